// Rows of element-wise ops and activations.
#include <numbers>

#include "tests/support/op_cases.h"

namespace keratin::testing {
namespace {

constexpr DType kFloat = DType::float32;

using Unary = Value (*)(Value);
using Binary = Value (*)(Value, Value);

OpCase unary(std::string name, Unary function, Operand x) {
  return {.name = std::move(name), .inputs = {std::move(x)}, .build = [function](const Values& in, DType) -> OpGraph {
            return {{function(in[0])}};
          }};
}
OpCase binary(std::string name, Binary function, Operand a, Operand b) {
  return {.name = std::move(name),
          .inputs = {std::move(a), std::move(b)},
          .build = [function](const Values& in, DType) -> OpGraph { return {{function(in[0], in[1])}}; }};
}
OpCase without_gradient(OpCase row) {
  row.differentiate = false;
  return row;
}
OpCase within(double tolerance, OpCase row) {
  row.tolerance = tolerance;
  return row;
}

// Sizes that are no multiple of a vector register, and one large enough for several threads.
const Shape kSmall = {3, 7}, kLarge = {41, 1031};

}  // namespace

std::vector<OpCase> unary_cases() {
  struct Function {
    std::string name;
    Unary function;
    double low, high;
    double tolerance = 2e-6;
  };
  const std::vector<Function> smooth = {
      {"negative", ops::negative, -2, 2}, {"abs", ops::abs, -2, 2},         {"square", ops::square, -2, 2},
      {"sqrt", ops::sqrt, 0.1, 9},        {"rsqrt", ops::rsqrt, 0.2, 9},    {"reciprocal", ops::reciprocal, 0.3, 4},
      {"exp", ops::exp, -5, 3},           {"expm1", ops::expm1, -3, 2},     {"log", ops::log, 0.1, 9},
      {"log1p", ops::log1p, -0.8, 9},     {"sin", ops::sin, -6, 6},         {"cos", ops::cos, -6, 6},
      {"tanh", ops::tanh, -4, 4},         {"sigmoid", ops::sigmoid, -8, 8}, {"softplus", ops::softplus, -8, 8},
      {"erf", ops::erf, -3, 3},           {"arctan", ops::arctan, -4, 4},   {"relu", ops::relu, -2, 2}};
  std::vector<OpCase> rows;
  for (const Function& f : smooth) {
    rows.push_back(within(f.tolerance, unary(f.name, f.function, {kSmall, kFloat, f.low, f.high})));
    rows.push_back(within(f.tolerance, unary(f.name + "_large", f.function, {kLarge, kFloat, f.low, f.high})));
    rows.push_back(unary(f.name + "_scalar", f.function, {{}, kFloat, f.low, f.high}));
    rows.push_back(without_gradient(unary(f.name + "_empty", f.function, {{0, 3}, kFloat})));
  }
  const Operand steps{{9}, kFloat, 0, 0, {-2.5, -1.5, -0.5, -0.25, 0, 0.5, 1.5, 2.5, 3}};
  for (const auto& [name, function] : std::vector<std::pair<std::string, Unary>>{
           {"floor", ops::floor}, {"ceil", ops::ceil}, {"round", ops::round}, {"sign", ops::sign}}) {
    rows.push_back(without_gradient(unary(name, function, steps)));
    rows.push_back(without_gradient(unary(name + "_random", function, {{5, 13}, kFloat, -20, 20})));
  }
  const Operand odd{{6}, kFloat, 0, 0, {1, -kInfinity, 0, kInfinity, kNan, -3}};
  rows.push_back(without_gradient(unary("isfinite", ops::isfinite, odd)));
  rows.push_back(without_gradient(unary("isnan", ops::isnan, odd)));
  rows.push_back(unary("logical_not", ops::logical_not, {{5, 3}, DType::boolean}));
  // What saturates must saturate to the limit, and NaN must stay NaN.
  for (const auto& [name, function] : std::vector<std::pair<std::string, Unary>>{{"exp", ops::exp},
                                                                                 {"tanh", ops::tanh},
                                                                                 {"sigmoid", ops::sigmoid},
                                                                                 {"softplus", ops::softplus},
                                                                                 {"erf", ops::erf},
                                                                                 {"relu", ops::relu}}) {
    rows.push_back(without_gradient(unary(name + "_extreme", function, odd)));
  }
  for (DType dtype : {DType::int32, DType::int64}) {
    const std::string suffix = "_" + std::string(name_of(dtype));
    rows.push_back(unary("negative" + suffix, ops::negative, {kSmall, dtype, -50, 50}));
    rows.push_back(unary("abs" + suffix, ops::abs, {kSmall, dtype, -50, 50}));
    rows.push_back(unary("square" + suffix, ops::square, {kSmall, dtype, -50, 50}));
    rows.push_back(unary("sign" + suffix, ops::sign, {kSmall, dtype, -2, 3}));
  }
  const std::vector<DType> dtypes = {DType::float32, DType::float64, DType::int32,
                                     DType::int64,   DType::uint8,   DType::boolean};
  for (DType from : dtypes) {
    for (DType to : dtypes) {
      if (from == to) continue;
      const Operand x{kSmall, from, from == DType::uint8 ? 0.0 : -3.0, 3};
      // Negative numbers have no meaning in uint8.
      if (to == DType::uint8 && from != DType::boolean && from != DType::uint8) continue;
      OpCase row = unary("cast_" + std::string(name_of(from)) + "_" + std::string(name_of(to)), nullptr, x);
      row.build = [to](const Values& in, DType) -> OpGraph { return {{ops::cast(in[0], to)}}; };
      row.differentiate = is_floating(from) && is_floating(to);
      row.finite_differences = to != DType::float32;  // whose rounding they would see
      rows.push_back(row);
    }
  }
  rows.push_back({.name = "stop_gradient",
                  .inputs = {{kSmall}},
                  .build = [](const Values& in, DType) -> OpGraph { return {{ops::stop_gradient(in[0])}}; },
                  .differentiate = false});
  // y in the ranges that the functions give, away from the corner of relu.
  for (const auto& [name, op, low] : std::vector<std::tuple<std::string, const OpDef*, double>>{
           {"relu_grad", &kReluGrad, -1}, {"sigmoid_grad", &kSigmoidGrad, 0}, {"tanh_grad", &kTanhGrad, -1}}) {
    rows.push_back({.name = name,
                    .inputs = {{kSmall}, {kSmall, kFloat, low, 1, {}, op != &kReluGrad}},
                    .build = [op = op](const Values& in, DType) -> OpGraph { return {{apply1(*op, {}, in)}}; }});
  }
  return rows;
}

std::vector<OpCase> binary_cases() {
  struct Function {
    std::string name;
    Binary function;
    double low, high;  // of the second operand
    double low_a = -2, high_a = 2;
  };
  const std::vector<Function> smooth = {{"add", ops::add, -2, 2},
                                        {"subtract", ops::subtract, -2, 2},
                                        {"multiply", ops::multiply, -2, 2},
                                        {"divide", ops::divide, 0.4, 2},
                                        {"maximum", ops::maximum, -2, 2},
                                        {"minimum", ops::minimum, -2, 2},
                                        {"power", ops::power, -2, 3, 0.3, 2}};
  struct Shapes {
    std::string name;
    Shape a, b;
  };
  const std::vector<Shapes> shapes = {{"", {3, 7}, {3, 7}},
                                      {"_row", {5, 7}, {7}},
                                      {"_column", {5, 7}, {5, 1}},
                                      {"_column_first", {5, 1}, {5, 7}},
                                      {"_both", {4, 1, 3}, {1, 5, 1}},
                                      {"_middle", {2, 3, 5}, {3, 1}},
                                      {"_scalar", {3, 7}, {}},
                                      {"_scalar_first", {}, {3, 7}},
                                      {"_scalars", {}, {}},
                                      {"_ones", {1, 1}, {1}},
                                      {"_empty", {0, 3}, {3}}};
  std::vector<OpCase> rows;
  for (const Function& f : smooth) {
    for (const Shapes& s : shapes) {
      OpCase row = binary(f.name + s.name, f.function, {s.a, kFloat, f.low_a, f.high_a}, {s.b, kFloat, f.low, f.high});
      row.differentiate = s.name != "_empty";
      rows.push_back(row);
    }
    rows.push_back(binary(f.name + "_large", f.function, {kLarge, kFloat, f.low_a, f.high_a},
                          {{kLarge[1]}, kFloat, f.low, f.high}));
    rows.back().tolerance = 2e-5;  // the gradient of b sums many terms
  }
  // One operand twice: the gradients of both ends meet.
  rows.push_back({.name = "multiply_same", .inputs = {{kSmall}}, .build = [](const Values& in, DType) -> OpGraph {
                    return {{in[0] * in[0] + in[0]}};
                  }});
  rows.push_back({.name = "power_number", .inputs = {{kSmall}}, .build = [](const Values& in, DType) -> OpGraph {
                    return {{ops::power(in[0], 3.0), ops::power(in[0], 2.0), ops::power(2.0, in[0])}};
                  }});
  rows.push_back({.name = "power_zero_to_zero",
                  .inputs = {{{3}, kFloat, 0, 0, {0, 1, 2}}, {{3}, kFloat, 0, 0, {0, 0, 2}}},
                  .build = [](const Values& in, DType) -> OpGraph { return {{ops::power(in[0], in[1])}}; },
                  .differentiate = false});
  rows.push_back({.name = "numbers", .inputs = {{kSmall}}, .build = [](const Values& in, DType) -> OpGraph {
                    return {{1.0 - in[0] * 0.1, 3.0 / (in[0] + 4.0), ops::clip(in[0], -1, 1.5)}};
                  }});
  // NaN wins a comparison of size, as in NumPy.
  const Operand odd_a{{6}, kFloat, 0, 0, {1, kNan, 2, -kInfinity, kInfinity, kNan}};
  const Operand odd_b{{6}, kFloat, 0, 0, {kNan, 1, 2, 0, 0, kNan}};
  rows.push_back(without_gradient(binary("maximum_extreme", ops::maximum, odd_a, odd_b)));
  rows.push_back(without_gradient(binary("minimum_extreme", ops::minimum, odd_a, odd_b)));

  const std::vector<std::pair<std::string, Binary>> comparisons = {
      {"equal", ops::equal},           {"not_equal", ops::not_equal}, {"less", ops::less},
      {"less_equal", ops::less_equal}, {"greater", ops::greater},     {"greater_equal", ops::greater_equal}};
  for (const auto& [name, function] : comparisons) {
    for (DType dtype : {DType::float32, DType::int32, DType::int64, DType::uint8}) {
      // Few different numbers, so that many are equal.
      Operand a{{4, 9}, DType::int32, 0, 4}, b{{9}, DType::int32, 0, 4};
      OpCase row = binary(name + "_" + std::string(name_of(dtype)), nullptr, a, b);
      row.build = [function = function, dtype](const Values& in, DType) -> OpGraph {
        return {{function(ops::cast(in[0], dtype), ops::cast(in[1], dtype))}};
      };
      rows.push_back(row);
    }
    rows.push_back(without_gradient(binary(name + "_extreme", function, odd_a, odd_b)));
  }
  for (DType dtype : {DType::int32, DType::int64}) {
    const std::string suffix = "_" + std::string(name_of(dtype));
    for (const auto& [name, function] : std::vector<std::pair<std::string, Binary>>{{"add", ops::add},
                                                                                    {"subtract", ops::subtract},
                                                                                    {"multiply", ops::multiply},
                                                                                    {"maximum", ops::maximum},
                                                                                    {"minimum", ops::minimum}}) {
      rows.push_back(binary(name + suffix, function, {{3, 5}, dtype, -50, 50}, {{5}, dtype, -50, 50}));
    }
  }
  rows.push_back(binary("add_int64_large_numbers", ops::add,
                        {{2}, DType::int64, 0, 0, {4503599627370497.0, -4503599627370497.0}},
                        {{2}, DType::int64, 0, 0, {4503599627370497.0, 3}}));
  const Operand bools{{4, 5}, DType::boolean}, few{{5}, DType::boolean};
  rows.push_back(binary("logical_and", ops::logical_and, bools, few));
  rows.push_back(binary("logical_or", ops::logical_or, bools, few));
  rows.push_back(binary("equal_bool", ops::equal, bools, few));

  const auto where = [](const Values& in, DType) -> OpGraph { return {{ops::where(in[0], in[1], in[2])}}; };
  rows.push_back({.name = "where", .inputs = {{kSmall, DType::boolean}, {kSmall}, {kSmall}}, .build = where});
  rows.push_back({.name = "where_broadcast", .inputs = {{{4, 1}, DType::boolean}, {{5}}, {{4, 5}}}, .build = where});
  rows.push_back({.name = "where_condition_row", .inputs = {{{5}, DType::boolean}, {{4, 5}}, {}}, .build = where});
  rows.push_back({.name = "where_int64",
                  .inputs = {{kSmall, DType::boolean}, {kSmall, DType::int64, -9, 9}, {{7}, DType::int64, -9, 9}},
                  .build = where});
  return rows;
}

std::vector<OpCase> activation_cases() {
  std::vector<OpCase> rows;
  const auto add = [&](std::string name, std::function<Value(Value)> function) {
    rows.push_back({.name = std::move(name),
                    .inputs = {{{5, 7}, kFloat, -8, 8}},
                    .build = [function](const Values& in, DType) -> OpGraph { return {{function(in[0])}}; },
                    .tolerance = 4e-6});
  };
  add("relu_slope", [](Value x) { return ops::relu_general(x, 0.1, -1, 0); });
  add("relu_max", [](Value x) { return ops::relu_general(x, 0, 3, 0); });
  add("relu_threshold", [](Value x) { return ops::relu_general(x, 0, -1, 1.5); });
  add("relu_all", [](Value x) { return ops::relu_general(x, 0.2, 4, 1); });
  add("leaky_relu", [](Value x) { return ops::leaky_relu(x); });
  add("relu6", ops::relu6);
  add("elu", [](Value x) { return ops::elu(x, 0.7); });
  add("selu", ops::selu);
  add("celu", [](Value x) { return ops::celu(x, 0.7); });
  add("softsign", ops::softsign);
  add("silu", ops::silu);
  add("gelu", [](Value x) { return ops::gelu(x); });
  add("gelu_approximate", [](Value x) { return ops::gelu(x, true); });
  add("hard_tanh", ops::hard_tanh);
  add("hard_sigmoid", ops::hard_sigmoid);
  add("hard_silu", ops::hard_silu);
  add("mish", ops::mish);
  add("log_sigmoid", ops::log_sigmoid);
  return rows;
}

}  // namespace keratin::testing
