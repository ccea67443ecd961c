// Operations of functional models with numbers, x + 3.0, as Keras's files hold them.
#pragma once

#include <optional>

#include "keratin/core/model/config.h"

namespace keratin {

// A Rescaling layer (x * scale + offset) that computes the same as this entry of a model's layers, when the entry is
// Keras's Add, Subtract, Multiply or TrueDivide of one value and one number; nullopt for everything else.
std::optional<ConfigValue> number_op_as_layer(const ConfigValue& op);

}  // namespace keratin
