// ConfigValue::Variant: what a configuration's value holds, for code that visits it.
#pragma once

#include <variant>

#include "keratin/core/model/config.h"

namespace keratin {

struct ConfigValue::Variant
    : std::variant<std::monostate, bool, std::int64_t, double, std::string, ConfigValue::List, ConfigValue::Object> {
  using variant::variant;
};

}  // namespace keratin
