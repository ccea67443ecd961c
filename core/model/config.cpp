#include "keratin/core/model/config.h"

#include <cmath>
#include <cstdio>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/model/config_variant.h"

namespace keratin {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      result += escape;
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  std::string text = format_number(value);
  // Python distinguishes 1 and 1.0.
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

struct ToJson {
  std::string operator()(std::monostate) const { return "null"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return number(value); }
  std::string operator()(const std::string& value) const { return quoted(value); }
  std::string operator()(const ConfigValue::List& list) const {
    std::string result = "[";
    for (const ConfigValue& value : list) result += (result.size() > 1 ? ", " : "") + value.to_json();
    return result + "]";
  }
  std::string operator()(const ConfigValue::Object& object) const { return object->to_json(); }
};

}  // namespace

ConfigValue::ConfigValue(bool value) : value_(std::make_shared<const Variant>(value)) {}
ConfigValue::ConfigValue(int value) : ConfigValue(std::int64_t{value}) {}
ConfigValue::ConfigValue(std::int64_t value) : value_(std::make_shared<const Variant>(value)) {}
ConfigValue::ConfigValue(double value) : value_(std::make_shared<const Variant>(value)) {}
ConfigValue::ConfigValue(const char* value) : ConfigValue(std::string(value)) {}
ConfigValue::ConfigValue(std::string value) : value_(std::make_shared<const Variant>(std::move(value))) {}
ConfigValue::ConfigValue(std::string_view value) : ConfigValue(std::string(value)) {}
ConfigValue::ConfigValue(List value) : value_(std::make_shared<const Variant>(std::move(value))) {}
ConfigValue::ConfigValue(Config value)
    : value_(std::make_shared<const Variant>(std::make_shared<const Config>(std::move(value)))) {}

ConfigValue::ConfigValue(const Shape& shape) {
  List list;
  for (std::int64_t dim : shape) list.push_back(dim < 0 ? ConfigValue() : ConfigValue(dim));
  value_ = std::make_shared<const Variant>(std::move(list));
}

const ConfigValue::Variant& ConfigValue::variant() const {
  static const Variant null;
  return value_ ? *value_ : null;
}

std::string ConfigValue::to_json() const { return std::visit(ToJson(), variant()); }

Config::Config() = default;
Config::Config(std::string module, std::string class_name)
    : module_(std::move(module)), class_name_(std::move(class_name)) {}
Config::Config(const Config&) = default;
Config::Config(Config&&) noexcept = default;
Config& Config::operator=(const Config&) = default;
Config& Config::operator=(Config&&) noexcept = default;
Config::~Config() = default;

Config& Config::set(std::string key, ConfigValue value) {
  entries_.emplace_back(std::move(key), std::move(value));
  return *this;
}

const ConfigValue* Config::find(std::string_view key) const {
  for (const auto& [name, value] : entries_) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::string Config::to_json() const {
  std::string body = "{";
  for (const auto& [key, value] : entries_) {
    body += (body.size() > 1 ? ", " : "") + quoted(key) + ": " + value.to_json();
  }
  body += "}";
  if (class_name_.empty()) return body;
  return "{\"module\": " + (module_.empty() ? "null" : quoted(module_)) + ", \"class_name\": " + quoted(class_name_) +
         ", \"config\": " + body +
         ", \"registered_name\": " + (registered_name().empty() ? "null" : quoted(registered_name())) + "}";
}

std::string Config::registered_name() const {
  const bool keras = module_.empty() || module_ == "keras" || module_.starts_with("keras.");
  return keras ? "" : module_ + ">" + class_name_;
}

}  // namespace keratin
