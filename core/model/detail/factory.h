// Factory: objects of one kind from their configurations, of Keras's own classes and of those the user has registered.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "keratin/core/model/config_reader.h"
#include "keratin/core/model/registry.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::detail {

// An object as configurations hold it: {"module", "class_name", "config", "registered_name"}.
struct ObjectConfig {
  std::string module, class_name;
  std::string registered_name;  // "package>Class" for a class of the user's, else empty
  std::string function;         // a function instead of an object: its name
  Config arguments;
};
// Empty when `value` is not an object.
std::optional<ObjectConfig> read_object(const ConfigValue& value);

// Keras's own name of a class that it exports under another one, as weights' files and Keras 2's layout have it.
std::string inner_class_name(const std::string& class_name);
// The key of a class of the user's. Throws InvalidArgument for an empty name or one with '>' in it.
std::string registered_name(const std::string& package, const std::string& name);

template <class T>
class Factory {
 public:
  // `kind` is for messages: "initializer".
  Factory(std::string kind, std::span<const StandardClass<T>> standard) : kind_(std::move(kind)), standard_(standard) {}

  void add(const std::string& package, const std::string& class_name, FromConfig<T> make) {
    const std::lock_guard lock(mutex_);
    registered_[registered_name(package, class_name)] = make;
  }

  bool is_standard(std::string_view class_name) const { return standard(class_name) != nullptr; }

  // Empty, with a problem noted, when the object cannot be made.
  std::optional<T> make(const ObjectConfig& object, const std::string& where, ConfigProblems& problems) {
    const FromConfig<T> make = find(object);
    if (make == nullptr) {
      problems.add(where, unknown(object));
      return std::nullopt;
    }
    const std::size_t before = problems.size();
    ConfigReader reader(object.arguments, where, problems);
    try {
      T result = make(reader);
      reader.finish();
      if (problems.size() == before) return result;
    } catch (const InvalidArgument& error) {
      // After another problem this is its consequence: a required argument was replaced by a default.
      if (problems.size() == before) problems.add(where, error.what());
    }
    return std::nullopt;
  }

 private:
  FromConfig<T> standard(std::string_view class_name) const {
    for (const StandardClass<T>& known : standard_) {
      if (known.class_name == class_name) return known.make;
    }
    return nullptr;
  }

  FromConfig<T> find(const ObjectConfig& object) {
    if (object.registered_name.empty()) return standard(object.class_name);
    const std::lock_guard lock(mutex_);
    const auto found = registered_.find(object.registered_name);
    if (found != registered_.end()) return found->second;
    // What Keras 2 writes in front of some of its own classes.
    constexpr std::string_view kOwn = "Custom>";
    const std::string_view name = object.registered_name;
    return name.starts_with(kOwn) ? standard(name.substr(kOwn.size())) : nullptr;
  }

  std::string unknown(const ObjectConfig& object) const {
    if (!object.registered_name.empty()) {
      return "the " + kind_ + " class '" + object.registered_name + "' is not registered; register_" + kind_ +
             " makes it known";
    }
    std::vector<std::string> names;
    for (const StandardClass<T>& known : standard_) names.emplace_back(known.class_name);
    return "the " + kind_ + " class '" + object.class_name + "' is not supported" +
           did_you_mean(object.class_name, names);
  }

  std::string kind_;
  std::span<const StandardClass<T>> standard_;
  std::mutex mutex_;
  std::map<std::string, FromConfig<T>> registered_;
};

Factory<Initializer>& initializer_factory();
Factory<Regularizer>& regularizer_factory();
Factory<Constraint>& constraint_factory();
Factory<Layer>& layer_factory();

}  // namespace keratin::detail
