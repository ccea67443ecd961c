// Unary element-wise ops and the gradients that are computed from their results.
#include <numbers>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;
using Dy = std::span<const Value>;
using Infer = std::vector<Spec> (*)(const std::any&, std::span<const Spec>);
using Gradient = Values (*)(const Node&, Dy);

std::vector<Spec> infer_floating(const std::any&, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  expect_floating(inputs[0]);
  return {inputs[0]};
}
std::vector<Spec> infer_number(const std::any&, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  expect_number(inputs[0]);
  return {inputs[0]};
}
std::vector<Spec> infer_test(const std::any&, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  expect_floating(inputs[0]);
  return {{inputs[0].shape, DType::boolean}};
}
std::vector<Spec> infer_logical(const std::any&, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  expect_dtype(inputs[0], DType::boolean, "its operand");
  return {inputs[0]};
}

constexpr OpDef unary(std::string_view name, Infer infer, Gradient gradient = nullptr) {
  return {.name = name, .describe = describe_nothing, .infer = infer, .gradient = gradient, .in_place = true};
}
// A bool result of a number is narrower than its operand.
constexpr OpDef test(std::string_view name) {
  return {.name = name, .describe = describe_nothing, .infer = infer_test};
}

std::vector<Spec> infer_from_result(const std::any&, std::span<const Spec> inputs) {
  expect_inputs(inputs, 2);
  expect_floating(inputs[0], "dy");
  expect_same_dtype(inputs[0], inputs[1]);
  if (inputs[0].shape != inputs[1].shape) {
    throw InvalidArgument("dy " + inputs[0].shape.to_string() + " and y " + inputs[1].shape.to_string() +
                          " must have one shape");
  }
  return {inputs[0]};
}

using Decompose = Values (*)(const Node&, std::span<const Value>);
constexpr OpDef from_result(std::string_view name, Gradient gradient, Decompose decompose) {
  return {.name = name,
          .describe = describe_nothing,
          .infer = infer_from_result,
          .gradient = gradient,
          .decompose = decompose,
          .in_place = true};
}

Value x(const Node& node) { return node.input(0); }
Value y(const Node& node) { return node.output(); }
Value make(const OpDef& op, const Value& dy, const Value& result) { return apply1(op, {}, {dy, result}); }

}  // namespace

// y = -x  =>  y' = -1
constinit const OpDef kNegative = unary("negative", infer_number, [](const Node&, Dy dy) { return Values{-dy[0]}; });
// y = |x|  =>  y' = sign(x)
constinit const OpDef kAbs =
    unary("abs", infer_number, [](const Node& n, Dy dy) { return Values{dy[0] * ops::sign(x(n))}; });
// y = x^2  =>  y' = 2 x
constinit const OpDef kSquare =
    unary("square", infer_number, [](const Node& n, Dy dy) { return Values{dy[0] * (x(n) * 2.0)}; });
// y = x^(1/2)  =>  y' = 1/2 x^(-1/2) = 1/2 / y
constinit const OpDef kSqrt =
    unary("sqrt", infer_floating, [](const Node& n, Dy dy) { return Values{dy[0] * 0.5 / y(n)}; });
// y = x^(-1/2)  =>  y' = -1/2 x^(-3/2) = -1/2 y^3
constinit const OpDef kRsqrt = unary(
    "rsqrt", infer_floating, [](const Node& n, Dy dy) { return Values{dy[0] * -0.5 * (y(n) * ops::square(y(n)))}; });
// y = 1/x  =>  y' = -1/x^2 = -y^2
constinit const OpDef kReciprocal =
    unary("reciprocal", infer_floating, [](const Node& n, Dy dy) { return Values{-(dy[0] * ops::square(y(n)))}; });
// y = e^x  =>  y' = y
constinit const OpDef kExp = unary("exp", infer_floating, [](const Node& n, Dy dy) { return Values{dy[0] * y(n)}; });
// y = e^x - 1  =>  y' = e^x = y + 1
constinit const OpDef kExpm1 =
    unary("expm1", infer_floating, [](const Node& n, Dy dy) { return Values{dy[0] * (y(n) + 1.0)}; });
// y = ln x  =>  y' = 1/x
constinit const OpDef kLog = unary("log", infer_floating, [](const Node& n, Dy dy) { return Values{dy[0] / x(n)}; });
// y = ln(1 + x)  =>  y' = 1/(1 + x)
constinit const OpDef kLog1p =
    unary("log1p", infer_floating, [](const Node& n, Dy dy) { return Values{dy[0] / (x(n) + 1.0)}; });
// y = sin x  =>  y' = cos x
constinit const OpDef kSin =
    unary("sin", infer_floating, [](const Node& n, Dy dy) { return Values{dy[0] * ops::cos(x(n))}; });
// y = cos x  =>  y' = -sin x
constinit const OpDef kCos =
    unary("cos", infer_floating, [](const Node& n, Dy dy) { return Values{-(dy[0] * ops::sin(x(n)))}; });
// y = tanh x  =>  y' = 1 - y^2
constinit const OpDef kTanh =
    unary("tanh", infer_floating, [](const Node& n, Dy dy) { return Values{make(kTanhGrad, dy[0], y(n))}; });
// y = 1/(1 + e^-x)  =>  y' = y (1 - y)
constinit const OpDef kSigmoid =
    unary("sigmoid", infer_floating, [](const Node& n, Dy dy) { return Values{make(kSigmoidGrad, dy[0], y(n))}; });
// y = ln(1 + e^x)  =>  y' = e^x/(1 + e^x) = sigmoid(x)
constinit const OpDef kSoftplus =
    unary("softplus", infer_floating, [](const Node& n, Dy dy) { return Values{dy[0] * ops::sigmoid(x(n))}; });
// y = 2/sqrt(pi) int_0^x e^(-t^2) dt  =>  y' = 2/sqrt(pi) e^(-x^2)
constinit const OpDef kErf = unary("erf", infer_floating, [](const Node& n, Dy dy) {
  return Values{dy[0] * (ops::exp(-ops::square(x(n))) * (2.0 * std::numbers::inv_sqrtpi))};
});
// y = arctan x  =>  y' = 1/(1 + x^2)
constinit const OpDef kArctan =
    unary("arctan", infer_floating, [](const Node& n, Dy dy) { return Values{dy[0] / (ops::square(x(n)) + 1.0)}; });
// y = max(x, 0)  =>  y' = 1 where x > 0, which is where y > 0
constinit const OpDef kRelu =
    unary("relu", infer_floating, [](const Node& n, Dy dy) { return Values{make(kReluGrad, dy[0], y(n))}; });
constinit const OpDef kFloor = unary("floor", infer_floating);
constinit const OpDef kCeil = unary("ceil", infer_floating);
constinit const OpDef kRound = unary("round", infer_floating);
constinit const OpDef kSign = unary("sign", infer_number);
constinit const OpDef kIsFinite = test("isfinite");
constinit const OpDef kIsNan = test("isnan");
constinit const OpDef kLogicalNot = unary("logical_not", infer_logical);

// r = dy [y > 0]  =>  dr/d(dy) = [y > 0], dr/dy = 0
constinit const OpDef kReluGrad = from_result(
    "relu_grad",
    [](const Node& n, Dy g) {
      return Values{make(kReluGrad, g[0], n.input(1)), Value()};
    },
    [](const Node&, std::span<const Value> in) { return Values{ops::where(ops::greater(in[1], 0.0), in[0], 0.0)}; });
// r = dy y (1 - y)  =>  dr/d(dy) = y (1 - y), dr/dy = dy (1 - 2 y)
constinit const OpDef kSigmoidGrad = from_result(
    "sigmoid_grad",
    [](const Node& n, Dy g) {
      const Value dy = n.input(0), y = n.input(1);
      return Values{make(kSigmoidGrad, g[0], y), g[0] * dy * (1.0 - y * 2.0)};
    },
    [](const Node&, std::span<const Value> in) { return Values{in[0] * (in[1] * (1.0 - in[1]))}; });
// r = dy (1 - y^2)  =>  dr/d(dy) = 1 - y^2, dr/dy = -2 y dy
constinit const OpDef kTanhGrad = from_result(
    "tanh_grad",
    [](const Node& n, Dy g) {
      const Value dy = n.input(0), y = n.input(1);
      return Values{make(kTanhGrad, g[0], y), g[0] * dy * (y * -2.0)};
    },
    [](const Node&, std::span<const Value> in) { return Values{in[0] * (1.0 - ops::square(in[1]))}; });

namespace ops {
Value negative(Value x) { return apply1(kNegative, {}, {x}); }
Value abs(Value x) { return apply1(kAbs, {}, {x}); }
Value square(Value x) { return apply1(kSquare, {}, {x}); }
Value sqrt(Value x) { return apply1(kSqrt, {}, {x}); }
Value rsqrt(Value x) { return apply1(kRsqrt, {}, {x}); }
Value reciprocal(Value x) { return apply1(kReciprocal, {}, {x}); }
Value exp(Value x) { return apply1(kExp, {}, {x}); }
Value expm1(Value x) { return apply1(kExpm1, {}, {x}); }
Value log(Value x) { return apply1(kLog, {}, {x}); }
Value log1p(Value x) { return apply1(kLog1p, {}, {x}); }
Value sin(Value x) { return apply1(kSin, {}, {x}); }
Value cos(Value x) { return apply1(kCos, {}, {x}); }
Value tanh(Value x) { return apply1(kTanh, {}, {x}); }
Value sigmoid(Value x) { return apply1(kSigmoid, {}, {x}); }
Value softplus(Value x) { return apply1(kSoftplus, {}, {x}); }
Value erf(Value x) { return apply1(kErf, {}, {x}); }
Value arctan(Value x) { return apply1(kArctan, {}, {x}); }
Value relu(Value x) { return apply1(kRelu, {}, {x}); }
Value floor(Value x) { return apply1(kFloor, {}, {x}); }
Value ceil(Value x) { return apply1(kCeil, {}, {x}); }
Value round(Value x) { return apply1(kRound, {}, {x}); }
Value sign(Value x) { return apply1(kSign, {}, {x}); }
Value isfinite(Value x) { return apply1(kIsFinite, {}, {x}); }
Value isnan(Value x) { return apply1(kIsNan, {}, {x}); }
Value logical_not(Value x) { return apply1(kLogicalNot, {}, {x}); }
}  // namespace ops

}  // namespace keratin
