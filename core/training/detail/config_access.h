// What a value of a configuration holds, or nothing when it holds something else; for readers of models.
#pragma once

#include "keratin/core/model/config_variant.h"

namespace keratin {

inline const ConfigValue::List* list_in(const ConfigValue* value) {
  return value ? std::get_if<ConfigValue::List>(&value->variant()) : nullptr;
}
inline const std::string* text_in(const ConfigValue* value) {
  return value ? std::get_if<std::string>(&value->variant()) : nullptr;
}
inline const Config* object_in(const ConfigValue* value) {
  const auto* object = value ? std::get_if<ConfigValue::Object>(&value->variant()) : nullptr;
  return object ? object->get() : nullptr;
}
inline const ConfigValue* entry(const ConfigValue& value, std::string_view key) {
  const Config* object = object_in(&value);
  return object ? object->find(key) : nullptr;
}

}  // namespace keratin
