// Config: the arguments an object was made with, by Keras's names and in Keras's order; what files and summaries read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "keratin/core/tensor/shape.h"

namespace keratin {

class Config;

// null, a bool, a number, a string, a list, or an object. std::monostate is Keras's None.
class ConfigValue {
 public:
  using List = std::vector<ConfigValue>;
  using Object = std::shared_ptr<const Config>;
  using Variant = std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Object>;

  ConfigValue() = default;
  ConfigValue(bool value) : value_(value) {}                           // NOLINT(google-explicit-constructor)
  ConfigValue(int value) : value_(std::int64_t{value}) {}              // NOLINT(google-explicit-constructor)
  ConfigValue(std::int64_t value) : value_(value) {}                   // NOLINT(google-explicit-constructor)
  ConfigValue(double value) : value_(value) {}                         // NOLINT(google-explicit-constructor)
  ConfigValue(const char* value) : value_(std::string(value)) {}       // NOLINT(google-explicit-constructor)
  ConfigValue(std::string value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  ConfigValue(std::string_view value) : value_(std::string(value)) {}  // NOLINT(google-explicit-constructor)
  ConfigValue(List value) : value_(std::move(value)) {}                // NOLINT(google-explicit-constructor)
  ConfigValue(Config value);                                           // NOLINT(google-explicit-constructor)
  ConfigValue(const Shape& shape);  // NOLINT(google-explicit-constructor): a list, unknown sizes null
  template <class T>
  ConfigValue(const std::optional<T>& value) {  // NOLINT(google-explicit-constructor): null when empty
    if (value) *this = ConfigValue(*value);
  }
  template <class Range>
  requires requires(const Range& r) {
    r.begin();
    ConfigValue(*r.begin());
  } &&(!std::convertible_to<Range, std::string_view>)&&(!std::same_as<Range, Shape>)&&(!std::same_as<Range, List>)
      ConfigValue(const Range& range)  // NOLINT(google-explicit-constructor): arrays and vectors are lists
      : value_(List(range.begin(), range.end())) {
  }

  const Variant& variant() const { return value_; }
  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  // JSON as Python's json.dumps writes it.
  std::string to_json() const;

 private:
  Variant value_;
};

class Config {
 public:
  Config() = default;
  // `module`: "keras.layers", ... ; both empty for a plain dictionary.
  Config(std::string module, std::string class_name) : module_(std::move(module)), class_name_(std::move(class_name)) {}

  Config& set(std::string key, ConfigValue value);
  const ConfigValue* find(std::string_view key) const;
  const std::vector<std::pair<std::string, ConfigValue>>& entries() const { return entries_; }
  const std::string& module() const { return module_; }
  const std::string& class_name() const { return class_name_; }
  // Objects as Keras serialises them: {"module", "class_name", "config", "registered_name"}.
  std::string to_json() const;

 private:
  std::string module_, class_name_;
  std::vector<std::pair<std::string, ConfigValue>> entries_;
};

}  // namespace keratin
