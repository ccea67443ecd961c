// Binary element-wise ops.
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"

namespace keratin {
namespace {

using namespace op_support;
using Dy = std::span<const Value>;
using Infer = std::vector<Spec> (*)(const std::any&, std::span<const Spec>);
using Gradient = Values (*)(const Node&, Dy);

Shape meet_shape(std::span<const Spec> inputs) {
  expect_inputs(inputs, 2);
  expect_same_dtype(inputs[0], inputs[1]);
  return broadcast(inputs[0].shape, inputs[1].shape);
}
std::vector<Spec> infer_number(const std::any&, std::span<const Spec> inputs) {
  const Shape shape = meet_shape(inputs);
  expect_number(inputs[0], "an operand");
  return {{shape, inputs[0].dtype}};
}
std::vector<Spec> infer_floating(const std::any&, std::span<const Spec> inputs) {
  const Shape shape = meet_shape(inputs);
  expect_floating(inputs[0], "an operand");
  return {{shape, inputs[0].dtype}};
}
std::vector<Spec> infer_comparison(const std::any&, std::span<const Spec> inputs) {
  return {{meet_shape(inputs), DType::boolean}};
}
std::vector<Spec> infer_logical(const std::any&, std::span<const Spec> inputs) {
  for (const Spec& input : inputs) expect_dtype(input, DType::boolean, "an operand");
  return {{meet_shape(inputs), DType::boolean}};
}

// In place only where nothing is broadcast to a larger result; who places memory compares the specs.
constexpr OpDef binary(std::string_view name, Infer infer, Gradient gradient = nullptr) {
  return {.name = name, .describe = describe_nothing, .infer = infer, .gradient = gradient, .in_place = true};
}
// A bool result of numbers is narrower than they are.
constexpr OpDef comparison(std::string_view name) {
  return {.name = name, .describe = describe_nothing, .infer = infer_comparison};
}

Value a(const Node& node) { return node.input(0); }
Value b(const Node& node) { return node.input(1); }

// An operand that was broadcast gets the sum over its copies.
Values to_operands(const Node& node, const Value& da, const Value& db) {
  return {da ? ops::sum_to(da, a(node).shape()) : da, db ? ops::sum_to(db, b(node).shape()) : db};
}

// y = a^b  =>  dy/da = b a^(b-1) (0 where b = 0, also at a = 0),  dy/db = y ln(a) (0 where a <= 0)
Values power_gradient(const Node& node, Dy dy) {
  const Value base = a(node), exponent = b(node), y = node.output();
  const bool fixed = exponent.node()->is(kConstant);
  Value slope = exponent * ops::power(base, exponent - 1.0);
  if (!fixed || exponent.shape().size() != 1 || exponent.node()->attrs_as<ConstantAttrs>().value.item() == 0) {
    slope = ops::where(ops::equal(exponent, 0.0), 0.0, slope);
  }
  if (fixed) return to_operands(node, dy[0] * slope, Value());
  const Value positive = ops::greater(base, 0.0);
  const Value growth = ops::where(positive, y * ops::log(ops::where(positive, base, 1.0)), 0.0);
  return to_operands(node, dy[0] * slope, dy[0] * growth);
}

// y is the operand that wins; equal operands share: dy/da = 1 where a wins, 1/2 where a = b, 0 elsewhere
Values choice_gradient(const Node& node, const Value& dy, const Value& a_wins) {
  const Value share = ops::where(ops::equal(a(node), b(node)), 0.5, ops::cast(a_wins, dy.dtype()));
  const Value da = dy * share;
  return to_operands(node, da, dy - da);
}

Value make(const OpDef& op, Value a, Value b) {
  meet(a, b);
  return apply1(op, {}, {a, b});
}

}  // namespace

// y = a + b  =>  dy/da = 1, dy/db = 1
constinit const OpDef kAdd =
    binary("add", infer_number, [](const Node& n, Dy dy) { return to_operands(n, dy[0], dy[0]); });
// y = a - b  =>  dy/da = 1, dy/db = -1
constinit const OpDef kSubtract =
    binary("subtract", infer_number, [](const Node& n, Dy dy) { return to_operands(n, dy[0], -dy[0]); });
// y = a b  =>  dy/da = b, dy/db = a
constinit const OpDef kMultiply =
    binary("multiply", infer_number, [](const Node& n, Dy dy) { return to_operands(n, dy[0] * b(n), dy[0] * a(n)); });
// y = a / b  =>  dy/da = 1/b, dy/db = -a/b^2 = -y/b
constinit const OpDef kDivide = binary("divide", infer_floating, [](const Node& n, Dy dy) {
  const Value da = dy[0] / b(n);
  return to_operands(n, da, -(da * n.output()));
});
constinit const OpDef kPower = binary("power", infer_floating, power_gradient);
constinit const OpDef kMaximum = binary(
    "maximum", infer_number, [](const Node& n, Dy dy) { return choice_gradient(n, dy[0], ops::greater(a(n), b(n))); });
constinit const OpDef kMinimum = binary(
    "minimum", infer_number, [](const Node& n, Dy dy) { return choice_gradient(n, dy[0], ops::less(a(n), b(n))); });
constinit const OpDef kEqual = comparison("equal");
constinit const OpDef kNotEqual = comparison("not_equal");
constinit const OpDef kLess = comparison("less");
constinit const OpDef kLessEqual = comparison("less_equal");
constinit const OpDef kGreater = comparison("greater");
constinit const OpDef kGreaterEqual = comparison("greater_equal");
constinit const OpDef kLogicalAnd = binary("logical_and", infer_logical);
constinit const OpDef kLogicalOr = binary("logical_or", infer_logical);

namespace ops {
Value add(Value a, Value b) { return make(kAdd, a, b); }
Value subtract(Value a, Value b) { return make(kSubtract, a, b); }
Value multiply(Value a, Value b) { return make(kMultiply, a, b); }
Value divide(Value a, Value b) {
  meet(a, b);
  return apply1(kDivide, {}, {to_floating(a), to_floating(b)});
}
Value power(Value a, Value b) {
  meet(a, b);
  return apply1(kPower, {}, {to_floating(a), to_floating(b)});
}
Value maximum(Value a, Value b) { return make(kMaximum, a, b); }
Value minimum(Value a, Value b) { return make(kMinimum, a, b); }
Value equal(Value a, Value b) { return make(kEqual, a, b); }
Value not_equal(Value a, Value b) { return make(kNotEqual, a, b); }
Value less(Value a, Value b) { return make(kLess, a, b); }
Value less_equal(Value a, Value b) { return make(kLessEqual, a, b); }
Value greater(Value a, Value b) { return make(kGreater, a, b); }
Value greater_equal(Value a, Value b) { return make(kGreaterEqual, a, b); }
Value logical_and(Value a, Value b) { return apply1(kLogicalAnd, {}, {a, b}); }
Value logical_or(Value a, Value b) { return apply1(kLogicalOr, {}, {a, b}); }
}  // namespace ops

}  // namespace keratin
