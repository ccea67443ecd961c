#include "keratin/core/training/detail/number_ops.h"

#include "keratin/core/model/config_variant.h"

namespace keratin {
namespace {

const Config* object_in(const ConfigValue& value) {
  const auto* object = std::get_if<ConfigValue::Object>(&value.variant());
  return object ? object->get() : nullptr;
}
const std::string* text(const Config& object, std::string_view key) {
  const ConfigValue* value = object.find(key);
  return value ? std::get_if<std::string>(&value->variant()) : nullptr;
}
const ConfigValue::List* list_in(const ConfigValue* value) {
  return value ? std::get_if<ConfigValue::List>(&value->variant()) : nullptr;
}
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

std::optional<ConfigValue> number_op_as_layer(const ConfigValue& entry) {
  const Config* op = object_in(entry);
  const std::string* module = op ? text(*op, "module") : nullptr;
  const std::string* kind = op ? text(*op, "class_name") : nullptr;
  const std::string* name = op ? text(*op, "name") : nullptr;
  const ConfigValue::List* calls = op ? list_in(op->find("inbound_nodes")) : nullptr;
  if (!module || !kind || !name || !calls || calls->size() != 1) return std::nullopt;
  if (!module->starts_with("keras.src.ops.") && !module->starts_with("keras.ops")) return std::nullopt;
  const Config* call = object_in(calls->front());
  const ConfigValue::List* arguments = call ? list_in(call->find("args")) : nullptr;
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
