// Config: the arguments an object was made with, by Keras's names and in Keras's order; what files and summaries read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keratin/core/tensor/shape.h"

namespace keratin {

class Config;

// null, a bool, a number, a string, a list, or an object. std::monostate is Keras's None.
class ConfigValue {
 public:
  using List = std::vector<ConfigValue>;
  using Object = std::shared_ptr<const Config>;
  // A std::variant of these; complete in core/model/config_variant.h, since not every program needs to compile it.
  struct Variant;

  ConfigValue() = default;
  ConfigValue(bool value);              // NOLINT(google-explicit-constructor)
  ConfigValue(int value);               // NOLINT(google-explicit-constructor)
  ConfigValue(std::int64_t value);      // NOLINT(google-explicit-constructor)
  ConfigValue(double value);            // NOLINT(google-explicit-constructor)
  ConfigValue(const char* value);       // NOLINT(google-explicit-constructor)
  ConfigValue(std::string value);       // NOLINT(google-explicit-constructor)
  ConfigValue(std::string_view value);  // NOLINT(google-explicit-constructor)
  ConfigValue(List value);              // NOLINT(google-explicit-constructor)
  ConfigValue(Config value);            // NOLINT(google-explicit-constructor)
  ConfigValue(const Shape& shape);      // NOLINT(google-explicit-constructor): a list, unknown sizes null
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
      : ConfigValue(List(range.begin(), range.end())) {
  }

  const Variant& variant() const;
  bool is_null() const { return value_ == nullptr; }
  // JSON as Python's json.dumps writes it.
  std::string to_json() const;

 private:
  // Shared by copies, and never changed. Empty: null.
  std::shared_ptr<const Variant> value_;
};

class Config {
 public:
  Config();
  // `module`: "keras.layers", ..., or the package of a class of the user's; both empty for a plain dictionary.
  Config(std::string module, std::string class_name);
  // Not inline: options with configurations are copied wherever layers are made.
  Config(const Config&);
  Config(Config&&) noexcept;
  Config& operator=(const Config&);
  Config& operator=(Config&&) noexcept;
  ~Config();

  Config& set(std::string key, ConfigValue value);
  const ConfigValue* find(std::string_view key) const;
  const std::vector<std::pair<std::string, ConfigValue>>& entries() const { return entries_; }
  const std::string& module() const { return module_; }
  const std::string& class_name() const { return class_name_; }
  // "package>Class" for classes of the user's, whose module is their package; empty for Keras's own.
  std::string registered_name() const;
  // Objects as Keras serialises them: {"module", "class_name", "config", "registered_name"}.
  std::string to_json() const;

 private:
  std::string module_, class_name_;
  std::vector<std::pair<std::string, ConfigValue>> entries_;
};

}  // namespace keratin
