// Keras's own losses, metrics, optimizers and schedules: one table of each kind, for names and for configurations.
#pragma once

#include <span>
#include <string>

#include "keratin/core/model/config_reader.h"
#include "keratin/core/model/naming.h"
#include "keratin/core/model/registry.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/losses.h"
#include "keratin/core/training/metrics.h"
#include "keratin/core/training/optimizers.h"
#include "keratin/core/training/schedules.h"

namespace keratin::detail {

std::span<const StandardClass<Loss>> standard_losses();
std::span<const StandardClass<Metric>> standard_metrics();
std::span<const StandardClass<Optimizer>> standard_optimizers();
std::span<const StandardClass<Schedule>> standard_schedules();

// What the names "accuracy" and "acc", "crossentropy" and "ce" mean in compile(): known when shapes are.
Metric resolved_accuracy(const std::string& name);
Metric resolved_crossentropy(const std::string& name);

// An argument that may be null.
inline std::optional<std::int64_t> optional_integer(ConfigReader& c, std::string_view key) {
  const ConfigValue* value = c.config().find(key);
  if (value && !value->is_null()) return c.integer(key);
  c.ignore(key);
  return std::nullopt;
}
inline std::optional<int> optional_small_integer(ConfigReader& c, std::string_view key) {
  const auto number = optional_integer(c, key);
  return number ? std::optional<int>(static_cast<int>(*number)) : std::nullopt;
}
// Null, a number or a list of them.
std::vector<double> optional_numbers(ConfigReader& c, std::string_view key);
std::vector<int> optional_integers(ConfigReader& c, std::string_view key);

// Whether a class goes by this name: its own, in snake case or not, or one of its short names.
inline bool is_called(std::string_view class_name, std::string_view short_names, const std::string& name) {
  if (name == class_name || name == to_snake_case(class_name)) return true;
  for (std::size_t begin = 0; begin < short_names.size();) {
    const std::size_t end = std::min(short_names.find(' ', begin), short_names.size());
    if (short_names.substr(begin, end - begin) == name) return true;
    begin = end + 1;
  }
  return false;
}

// The object of a name, with all arguments at their defaults but those in `arguments`. Throws InvalidArgument for an
// unknown name, with a suggestion, and for a class that cannot be made without arguments.
template <class T>
T made_by_name(const char* kind, std::span<const StandardClass<T>> classes, const std::string& name,
               const Config& arguments = {}) {
  std::vector<std::string> names;
  for (const StandardClass<T>& known : classes) {
    names.push_back(to_snake_case(known.class_name));
    if (!is_called(known.class_name, known.short_names, name)) continue;
    ConfigProblems problems;
    ConfigReader reader(arguments, std::string(kind) + " '" + name + "'", problems);
    try {
      T result = known.make(reader);
      if (problems.empty()) return result;
    } catch (const InvalidArgument&) {
      if (problems.empty()) throw;
    }
    throw InvalidArgument(problems.text() + "; it cannot be given by name");
  }
  throw InvalidArgument("unknown " + std::string(kind) + " '" + name + "'" + did_you_mean(name, names));
}

}  // namespace keratin::detail
