#include "keratin/core/graph/leaves.h"

#include <charconv>

#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

// A pointer is a good name for a variable within one process: describe() only has to tell attributes apart.
std::string describe_variable(const VariablePtr& variable) {
  return variable->path() + "@" + std::to_string(reinterpret_cast<std::uintptr_t>(variable.get()));
}

std::string describe_input(const std::any& attrs) {
  const auto& a = std::any_cast<const InputAttrs&>(attrs);
  return a.name + " " + a.spec.to_string();
}
std::vector<Spec> infer_input(const std::any& attrs, std::span<const Spec>) {
  return {std::any_cast<const InputAttrs&>(attrs).spec};
}

std::string describe_constant(const std::any& attrs) {
  const auto& a = std::any_cast<const ConstantAttrs&>(attrs);
  const Tensor& value = a.value;
  if (a.weak) return format_number(a.number);
  if (value.size() == 1) {
    // As a double, large integers would be equal to their neighbours.
    const std::string number = value.dtype() == DType::int64 ? std::to_string(*value.values<std::int64_t>().data())
                                                             : format_number(value.item());
    return std::string(name_of(value.dtype())) + value.shape().to_string() + number;
  }
  return value.shape().to_string() + "@" + std::to_string(reinterpret_cast<std::uintptr_t>(value.raw()));
}
std::vector<Spec> infer_constant(const std::any& attrs, std::span<const Spec>) {
  const Tensor& value = std::any_cast<const ConstantAttrs&>(attrs).value;
  return {{value.shape(), value.dtype()}};
}

std::string describe_read(const std::any& attrs) {
  return describe_variable(std::any_cast<const ReadAttrs&>(attrs).variable);
}
std::vector<Spec> infer_read(const std::any& attrs, std::span<const Spec>) {
  const auto& variable = std::any_cast<const ReadAttrs&>(attrs).variable;
  return {{variable->shape(), variable->dtype()}};
}

std::string describe_assign(const std::any& attrs) {
  return describe_variable(std::any_cast<const AssignAttrs&>(attrs).variable);
}
std::vector<Spec> infer_assign(const std::any& attrs, std::span<const Spec> inputs) {
  const auto& variable = std::any_cast<const AssignAttrs&>(attrs).variable;
  const Spec expected{variable->shape(), variable->dtype()};
  if (inputs[0] != expected) {
    throw InvalidArgument("variable " + variable->path() + " is " + expected.to_string() + ", the new value is " +
                          inputs[0].to_string());
  }
  return {expected};
}
std::vector<VariablePtr> written_by_assign(const std::any& attrs) {
  return {std::any_cast<const AssignAttrs&>(attrs).variable};
}

}  // namespace

constinit const OpDef kInput = {.name = "input", .describe = describe_input, .infer = infer_input};
constinit const OpDef kConstant = {.name = "constant", .describe = describe_constant, .infer = infer_constant};
constinit const OpDef kRead = {.name = "read", .describe = describe_read, .infer = infer_read};
constinit const OpDef kAssign = {.name = "assign",
                                 .describe = describe_assign,
                                 .infer = infer_assign,
                                 .effect = Effect::writes,
                                 .written = written_by_assign};

Value input_value(std::string name, Spec spec) {
  std::vector<Spec> outputs = {spec};
  return Value(
      std::make_shared<const Node>(kInput, InputAttrs{std::move(name), std::move(spec)}, Values{}, std::move(outputs)),
      0);
}

Value constant(const Tensor& value) {
  if (!value.defined()) throw InvalidArgument("an undefined Tensor cannot be part of a graph");
  return apply1(kConstant, ConstantAttrs{value}, {});
}

Value::Value(const Tensor& tensor) : Value(constant(tensor)) {}
Value::Value(double number)
    : Value(apply1(kConstant, ConstantAttrs{Tensor::scalar(static_cast<float>(number)), true, number}, {})) {}

Value read(const VariablePtr& variable) { return apply1(kRead, ReadAttrs{variable}, {}); }

NodePtr assign(const VariablePtr& variable, const Value& value) {
  return apply1(kAssign, AssignAttrs{variable}, {value}).node();
}

std::string format_number(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  return std::string(text, end);
}

}  // namespace keratin
