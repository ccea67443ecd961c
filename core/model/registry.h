// Registry: layers and what they are made of from their configurations, and classes of the user's made known to it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <typeinfo>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/config_reader.h"
#include "keratin/core/model/layer.h"

namespace keratin {

// Makes an object again from the arguments its config() gave.
template <class T>
using FromConfig = T (*)(ConfigReader& arguments);

template <class T>
struct StandardClass {
  std::string_view class_name;
  FromConfig<T> make;
  std::string_view short_names = {};  // besides the class's, in snake case or not; separated by spaces
};

// Classes of the user's:
//
//   class ScaleLayer : public LayerImpl {
//    public:
//     static Layer from_config(ConfigReader& c) { return Custom<ScaleLayer>(c.number("factor"), c.name()); }
//     Config config() const override { return LayerImpl::config().set("factor", factor_); }
//     ...
//   };
//   register_layer<ScaleLayer>("my_package", "Scale");
//
// `package` and `class_name` are what files call them ("my_package>Scale", as Keras does). The class's config() must be
// one that begins with LayerImpl::config(), or Config(package, class_name) for what is not a layer. Throws
// InvalidArgument for an empty name and for names with '>'. Registering again replaces.
void register_layer_class(const std::string& package, const std::string& class_name, const std::type_info& type,
                          FromConfig<Layer> make);
template <class Impl>
void register_layer(const std::string& package, const std::string& class_name) {
  register_layer_class(package, class_name, typeid(Impl),
                       [](ConfigReader& c) -> Layer { return Impl::from_config(c); });
}
void register_initializer(const std::string& package, const std::string& class_name, FromConfig<Initializer> make);
void register_regularizer(const std::string& package, const std::string& class_name, FromConfig<Regularizer> make);
void register_constraint(const std::string& package, const std::string& class_name, FromConfig<Constraint> make);

// The layer that layer.config() describes, with new weights. Throws InvalidArgument naming everything that is wrong.
Layer layer_from_config(const Config& config);
// The same for readers of whole models: the layer is empty, with problems noted, when it cannot be made.
Layer make_layer(const ConfigValue& config, ConfigProblems& problems);

// Whether a layer of this class can be made from its configuration: Keras's own, or registered.
bool is_known_layer(const LayerImpl& layer);

// Keras's own layers. Defined in layers.
std::span<const StandardClass<Layer>> standard_layers();

}  // namespace keratin
