#include "keratin/core/model/config_reader.h"
#include "keratin/core/model/config_variant.h"

#include <algorithm>
#include <limits>

#include "keratin/core/model/detail/factory.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

// A value as messages show it.
std::string shown(const ConfigValue& value) {
  constexpr std::size_t kLongest = 80;
  std::string text = value.to_json();
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

const std::string* text_in(const ConfigValue& value) { return std::get_if<std::string>(&value.variant()); }

std::optional<double> number_in(const ConfigValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value.variant())) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&value.variant())) return *real;
  return std::nullopt;
}

std::optional<std::int64_t> integer_in(const ConfigValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value.variant())) return *whole;
  // Keras writes what it was given: 2.0 where 2 is meant.
  const auto* real = std::get_if<double>(&value.variant());
  if (real && *real == static_cast<double>(static_cast<std::int64_t>(std::clamp(*real, -9e15, 9e15)))) {
    return static_cast<std::int64_t>(*real);
  }
  return std::nullopt;
}

// Numbers of elements beyond these bounds are no model's, and sums and products of them would overflow.
bool is_small(std::int64_t number) {
  return number >= -std::numeric_limits<int>::max() && number <= std::numeric_limits<int>::max();
}

// The name of a dtype, also inside {"class_name": "DTypePolicy", "config": {"name": "float32"}}.
std::string dtype_name(const ConfigValue& value) {
  if (const std::string* name = text_in(value)) return *name;
  const auto object = detail::read_object(value);
  if (!object || (object->class_name != "DTypePolicy" && object->class_name != "Policy")) return "";
  const ConfigValue* name = object->arguments.find("name");
  return name && text_in(*name) ? *text_in(*name) : "";
}

// The object under `key` by its configuration, or by name through `by_name`.
template <class T, class ByName>
std::optional<T> object_argument(ConfigReader& reader, detail::Factory<T>& factory, std::string_view key,
                                 const ConfigValue& value, ByName by_name) {
  auto object = detail::read_object(value);
  const std::string* name = object && !object->function.empty() ? &object->function : text_in(value);
  if (name) {
    try {
      return by_name(*name);
    } catch (const InvalidArgument& error) {
      reader.problem(key, error.what());
      return std::nullopt;
    }
  }
  if (!object) {
    reader.problem(key, "expected a name or an object, got " + shown(value));
    return std::nullopt;
  }
  return factory.make(*object, reader.where() + ": " + std::string(key), reader.problems());
}

}  // namespace

void ConfigProblems::add(const std::string& where, const std::string& what) {
  constexpr std::size_t kKept = 500;
  if (++count_ <= kKept) lines_.push_back(where + ": " + what);
}

std::string ConfigProblems::text() const {
  std::string result;
  for (const std::string& line : lines_) result += (result.empty() ? "" : "; ") + line;
  if (count_ > lines_.size()) result += "; and " + std::to_string(count_ - lines_.size()) + " more";
  return result;
}

ConfigReader::ConfigReader(const Config& config, std::string where, ConfigProblems& problems)
    : config_(config), where_(std::move(where)), problems_(problems), taken_(config.entries().size()) {}

const ConfigValue* ConfigReader::take(std::string_view key) {
  const auto& entries = config_.entries();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].first != key) continue;
    taken_[i] = true;
    return &entries[i].second;
  }
  return nullptr;
}

const ConfigValue* ConfigReader::present(std::string_view key, bool required) {
  const ConfigValue* value = take(key);
  if (!value && required) problem(key, "is missing");
  return value;
}

void ConfigReader::wrong_type(std::string_view key, const ConfigValue& value, const char* expected) {
  problem(key, std::string("expected ") + expected + ", got " + shown(value));
}

void ConfigReader::problem(std::string_view key, const std::string& what) {
  problems_.add(where_ + ": " + std::string(key), what);
}

bool ConfigReader::boolean(std::string_view key, std::optional<bool> missing) {
  const ConfigValue* value = present(key, !missing);
  if (!value) return missing.value_or(false);
  if (const bool* truth = std::get_if<bool>(&value->variant())) return *truth;
  wrong_type(key, *value, "true or false");
  return missing.value_or(false);
}

std::int64_t ConfigReader::integer(std::string_view key, std::optional<std::int64_t> missing) {
  const ConfigValue* value = present(key, !missing);
  if (!value) return missing.value_or(1);
  if (const auto whole = integer_in(*value)) {
    if (is_small(*whole)) return *whole;
    problem(key, "the number " + std::to_string(*whole) + " is too large");
    return missing.value_or(1);
  }
  wrong_type(key, *value, "a whole number");
  return missing.value_or(1);
}

int ConfigReader::small_integer(std::string_view key, std::optional<int> missing) {
  return static_cast<int>(integer(key, missing));
}

double ConfigReader::number(std::string_view key, std::optional<double> missing) {
  const ConfigValue* value = present(key, !missing);
  if (!value) return missing.value_or(1);
  if (const auto number = number_in(*value)) return *number;
  wrong_type(key, *value, "a number");
  return missing.value_or(1);
}

std::optional<double> ConfigReader::optional_number(std::string_view key) {
  const ConfigValue* value = take(key);
  if (!value || value->is_null()) return std::nullopt;
  const auto number = number_in(*value);
  if (!number) wrong_type(key, *value, "a number or null");
  return number;
}

std::string ConfigReader::text(std::string_view key, std::optional<std::string> missing) {
  const ConfigValue* value = present(key, !missing);
  if (!value) return missing.value_or("");
  if (const std::string* text = text_in(*value)) return *text;
  wrong_type(key, *value, "a string");
  return missing.value_or("");
}

std::vector<std::int64_t> ConfigReader::integers(std::string_view key,
                                                 std::optional<std::vector<std::int64_t>> missing) {
  const ConfigValue* value = present(key, !missing);
  if (!value) return missing.value_or(std::vector<std::int64_t>{});
  if (const auto whole = integer_in(*value); whole && is_small(*whole)) return {*whole};
  if (const auto* list = std::get_if<ConfigValue::List>(&value->variant())) {
    std::vector<std::int64_t> result;
    for (const ConfigValue& element : *list) {
      const auto whole = integer_in(element);
      if (!whole || !is_small(*whole)) break;
      result.push_back(*whole);
    }
    if (result.size() == list->size()) return result;
  }
  wrong_type(key, *value, "a whole number or a list of them");
  return missing.value_or(std::vector<std::int64_t>{});
}

std::vector<double> ConfigReader::numbers(std::string_view key) {
  const ConfigValue* value = present(key, true);
  if (!value) return {};
  if (const auto* list = std::get_if<ConfigValue::List>(&value->variant())) {
    std::vector<double> result;
    for (const ConfigValue& element : *list) {
      const auto number = number_in(element);
      if (!number) break;
      result.push_back(*number);
    }
    if (result.size() == list->size()) return result;
  }
  wrong_type(key, *value, "a list of numbers");
  return {};
}

Shape ConfigReader::shape(std::string_view key) {
  const ConfigValue* value = present(key, true);
  if (!value) return {};
  if (const auto* list = std::get_if<ConfigValue::List>(&value->variant())) {
    Shape result;
    for (const ConfigValue& element : *list) {
      const auto whole = element.is_null() ? std::optional<std::int64_t>(kUnknown) : integer_in(element);
      if (!whole || !is_small(*whole)) break;
      result.push_back(*whole);
    }
    if (result.rank() == static_cast<int>(list->size())) return result;
  }
  wrong_type(key, *value, "a list of sizes");
  return {};
}

std::optional<std::uint64_t> ConfigReader::seed(std::string_view key) {
  const ConfigValue* value = take(key);
  if (!value || value->is_null()) return std::nullopt;
  if (const auto whole = integer_in(*value)) return static_cast<std::uint64_t>(*whole);
  wrong_type(key, *value, "a whole number or null");
  return std::nullopt;
}

DType ConfigReader::dtype(std::string_view key, DType missing) {
  const ConfigValue* value = take(key);
  if (!value || value->is_null()) return missing;
  const std::string name = dtype_name(*value);
  for (DType known : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean}) {
    if (name == name_of(known)) return known;
  }
  problem(key, shown(*value) + " is not supported");
  return missing;
}

bool ConfigReader::trainable() {
  if (dtype("dtype") != DType::float32) problem("dtype", "only float32 is supported");
  ignore("batch_input_shape");  // Keras 2 gives a Sequential's first layer the shape of its input
  return boolean("trainable", true);
}

ActivationFunction ConfigReader::activation(std::string_view key) {
  const ConfigValue* value = take(key);
  if (!value || value->is_null()) return {};
  const auto object = detail::read_object(*value);
  const std::string* name = object && !object->function.empty() ? &object->function : text_in(*value);
  if (!name) {
    problem(key, "expected the name of an activation, got " + shown(*value));
    return {};
  }
  try {
    return ActivationFunction(*name);
  } catch (const InvalidArgument& error) {
    problem(key, error.what());
    return {};
  }
}

Initializer ConfigReader::initializer(std::string_view key, const char* missing) {
  const ConfigValue* value = take(key);
  if (!value || value->is_null()) return missing;
  return object_argument<Initializer>(*this, detail::initializer_factory(), key, *value,
                                      [](const std::string& name) { return Initializer(name); })
      .value_or(Initializer(missing));
}

Regularizer ConfigReader::regularizer(std::string_view key) {
  const ConfigValue* value = take(key);
  if (!value || value->is_null()) return {};
  return object_argument<Regularizer>(*this, detail::regularizer_factory(), key, *value,
                                      [](const std::string& name) { return Regularizer(name.c_str()); })
      .value_or(Regularizer());
}

Constraint ConfigReader::constraint(std::string_view key) {
  const ConfigValue* value = take(key);
  if (!value || value->is_null()) return {};
  return object_argument<Constraint>(*this, detail::constraint_factory(), key, *value,
                                     [](const std::string& name) { return Constraint(name.c_str()); })
      .value_or(Constraint());
}

void ConfigReader::expect(std::string_view key, const std::vector<ConfigValue>& allowed) {
  const ConfigValue* value = take(key);
  if (!value) return;
  const std::string given = value->to_json();
  for (const ConfigValue& candidate : allowed) {
    if (given == candidate.to_json()) return;
  }
  problem(key, shown(*value) + " is not supported");
}

void ConfigReader::finish() {
  const auto& entries = config_.entries();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    // What every layer has; make_layer sees to them for classes of the user's.
    if (entries[i].first == "trainable" || entries[i].first == "dtype") continue;
    if (!taken_[i] && !entries[i].second.is_null()) {
      problem(entries[i].first, "this argument (" + shown(entries[i].second) + ") is not supported");
    }
  }
}

}  // namespace keratin
