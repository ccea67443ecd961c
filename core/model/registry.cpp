#include "keratin/core/model/registry.h"
#include "keratin/core/model/config_variant.h"

#include <typeindex>

#include "keratin/core/model/detail/factory.h"

namespace keratin {
namespace {

// The names files have for layer classes of the user's.
struct LayerTypes {
  std::mutex mutex;
  std::map<std::type_index, std::pair<std::string, std::string>> names;  // package, class
};
LayerTypes& layer_types() {
  static LayerTypes* types = new LayerTypes;
  return *types;
}

const std::string* text_of(const Config& config, std::string_view key) {
  const ConfigValue* value = config.find(key);
  return value ? std::get_if<std::string>(&value->variant()) : nullptr;
}

// Whether a module is one of Keras's own; Keras 2's files have none.
bool is_keras(const std::string& module) {
  return module.empty() || module == "keras" || module.starts_with("keras.") || module == "builtins";
}

}  // namespace

namespace detail {

std::string registered_name(const std::string& package, const std::string& name) {
  if (package.empty() || name.empty() || (package + name).find('>') != std::string::npos) {
    throw InvalidArgument("register: package and name must not be empty or contain '>', got '" + package + "' and '" +
                          name + "'");
  }
  return package + ">" + name;
}

// The one class of Keras's that has two names.
constexpr struct { const char *exported, *inner; } kGroupQuery = {"GroupQueryAttention", "GroupedQueryAttention"};

std::string inner_class_name(const std::string& class_name) {
  return class_name == kGroupQuery.exported ? kGroupQuery.inner : class_name;
}

std::optional<ObjectConfig> read_object(const ConfigValue& value) {
  const auto* object = std::get_if<ConfigValue::Object>(&value.variant());
  if (!object) return std::nullopt;
  const Config& config = **object;
  ObjectConfig result;
  if (!config.class_name().empty()) {  // as config() gives it
    result = {config.module(), config.class_name(), config.registered_name(), "", config};
    return result;
  }
  // As files hold it.
  const std::string* class_name = text_of(config, "class_name");
  const ConfigValue* arguments = config.find("config");
  if (!class_name || !arguments) return std::nullopt;
  result.class_name = *class_name;
  if (const std::string* module = text_of(config, "module")) result.module = *module;
  const std::string* registered = text_of(config, "registered_name");
  // Keras repeats the class's name there for some of its own classes.
  if (!is_keras(result.module) || (registered && registered->find('>') != std::string::npos)) {
    result.registered_name = registered ? *registered : result.module + ">" + result.class_name;
  }
  if (result.registered_name.empty() && *class_name == kGroupQuery.inner) result.class_name = kGroupQuery.exported;
  // Files in Keras 2's format have it instead of the class's name.
  if (class_name->find('>') != std::string::npos) result.registered_name = *class_name;
  if (const auto* dictionary = std::get_if<ConfigValue::Object>(&arguments->variant())) {
    result.arguments = **dictionary;
  } else if (const auto* name = std::get_if<std::string>(&arguments->variant()); name && *class_name == "function") {
    result.function = *name;
  } else if (!arguments->is_null()) {
    return std::nullopt;
  }
  return result;
}

Factory<Layer>& layer_factory() {
  static auto* factory = new Factory<Layer>("layer", standard_layers());
  return *factory;
}

}  // namespace detail

void register_layer_class(const std::string& package, const std::string& class_name, const std::type_info& type,
                          FromConfig<Layer> make) {
  detail::layer_factory().add(package, class_name, make);
  const std::lock_guard lock(layer_types().mutex);
  layer_types().names[type] = {package, class_name};
}
void register_initializer(const std::string& package, const std::string& class_name, FromConfig<Initializer> make) {
  detail::initializer_factory().add(package, class_name, make);
}
void register_regularizer(const std::string& package, const std::string& class_name, FromConfig<Regularizer> make) {
  detail::regularizer_factory().add(package, class_name, make);
}
void register_constraint(const std::string& package, const std::string& class_name, FromConfig<Constraint> make) {
  detail::constraint_factory().add(package, class_name, make);
}

// Here, because it asks the registry for the names of classes of the user's.
Config LayerImpl::config() const {
  std::pair<std::string, std::string> names = {"keras.layers", class_name_};
  {
    const std::lock_guard lock(layer_types().mutex);
    const auto found = layer_types().names.find(typeid(*this));
    if (found != layer_types().names.end()) names = found->second;
  }
  Config config(names.first, names.second);
  config.set("name", name_).set("trainable", trainable_).set("dtype", "float32");
  return config;
}

bool is_known_layer(const LayerImpl& layer) {
  {
    const std::lock_guard lock(layer_types().mutex);
    if (layer_types().names.contains(typeid(layer))) return true;
  }
  return detail::layer_factory().is_standard(layer.class_name());
}

Layer make_layer(const ConfigValue& config, ConfigProblems& problems) {
  const auto object = detail::read_object(config);
  if (!object) {
    problems.add("a layer", "expected an object with class_name and config, got " + config.to_json().substr(0, 80));
    return {};
  }
  const std::string* name = text_of(object->arguments, "name");
  const std::string where = (name ? "'" + *name + "' " : "") + "(" + object->class_name + ")";
  Layer layer = detail::layer_factory().make(*object, where, problems).value_or(Layer());
  if (!object->registered_name.empty()) {
    const bool trainable = ConfigReader(object->arguments, where, problems).trainable();
    if (layer && !trainable) layer.set_trainable(false);
  }
  return layer;
}

Layer layer_from_config(const Config& config) {
  ConfigProblems problems;
  Layer layer = make_layer(config, problems);
  if (!problems.empty()) throw InvalidArgument("layer_from_config: " + problems.text());
  return layer;
}

}  // namespace keratin
