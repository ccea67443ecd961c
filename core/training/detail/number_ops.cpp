#include "keratin/core/training/detail/number_ops.h"

#include "keratin/core/training/detail/config_access.h"

namespace keratin {
namespace {

std::optional<double> number_in(const ConfigValue& value) {
  if (const auto* real = std::get_if<double>(&value.variant())) return *real;
  if (const auto* integer = std::get_if<std::int64_t>(&value.variant())) return static_cast<double>(*integer);
  return std::nullopt;
}

struct Scaling {
  double scale = 1, offset = 0;
};
// What the op makes of a value and a number, in this order or, when `reversed`, the other.
std::optional<Scaling> scaling(const std::string& op, double number, bool reversed) {
  if (op == "Add") return Scaling{.offset = number};
  if (op == "Multiply") return Scaling{.scale = number};
  if (op == "Subtract") return reversed ? Scaling{.scale = -1, .offset = number} : Scaling{.offset = -number};
  if ((op == "TrueDivide" || op == "Divide") && !reversed && number != 0) return Scaling{.scale = 1 / number};
  return std::nullopt;
}

}  // namespace

std::optional<ConfigValue> number_op_as_layer(const ConfigValue& op) {
  const std::string *module = text_in(entry(op, "module")), *kind = text_in(entry(op, "class_name"));
  const std::string* name = text_in(entry(op, "name"));
  const ConfigValue::List* calls = list_in(entry(op, "inbound_nodes"));
  if (!module || !kind || !name || !calls || calls->size() != 1) return std::nullopt;
  if (!module->starts_with("keras.src.ops.") && !module->starts_with("keras.ops")) return std::nullopt;
  const ConfigValue::List* arguments = list_in(entry(calls->front(), "args"));
  if (!arguments || arguments->size() != 2) return std::nullopt;
  const std::optional<double> first = number_in((*arguments)[0]), second = number_in((*arguments)[1]);
  if (first.has_value() == second.has_value()) return std::nullopt;
  const std::optional<Scaling> made = scaling(*kind, first ? *first : *second, first.has_value());
  if (!made) return std::nullopt;
  Config config, layer, arguments_of_call;
  config.set("name", *name).set("scale", made->scale).set("offset", made->offset);
  arguments_of_call.set("args", ConfigValue::List{(*arguments)[first ? 1 : 0]}).set("kwargs", Config());
  layer.set("module", "keras.layers").set("class_name", "Rescaling").set("config", config);
  layer.set("registered_name", ConfigValue()).set("name", *name);
  layer.set("inbound_nodes", ConfigValue::List{ConfigValue(arguments_of_call)});
  return ConfigValue(layer);
}

}  // namespace keratin
