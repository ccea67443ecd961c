#include "keratin/core/ops/elementwise.h"

#include <cmath>

#include "tests/backends/reference/fixture.h"

namespace keratin::testing {
namespace {

class ReferenceElementwise : public ReferenceTest {
 protected:
  Tensor unary(std::string_view op, const Tensor& x) { return run(op, {}, {x}, {x.shape(), x.dtype()}); }
  Tensor binary(std::string_view op, const Tensor& a, const Tensor& b) {
    return run(op, {}, {a, b}, {broadcast(a.shape(), b.shape()), a.dtype()});
  }
  Tensor boolean(std::string_view op, const std::vector<Tensor>& inputs) {
    return run(op, {}, inputs, {inputs[0].shape(), DType::boolean});
  }
};

TEST_F(ReferenceElementwise, FunctionsInDouble) {
  const Tensor x = doubles({3}, {0.3, 1.7, 2.5});
  struct {
    const char* op;
    double (*expected)(double);
  } const cases[] = {{"sqrt", [](double v) { return std::sqrt(v); }},
                     {"rsqrt", [](double v) { return 1 / std::sqrt(v); }},
                     {"reciprocal", [](double v) { return 1 / v; }},
                     {"exp", [](double v) { return std::exp(v); }},
                     {"expm1", [](double v) { return std::expm1(v); }},
                     {"log", [](double v) { return std::log(v); }},
                     {"log1p", [](double v) { return std::log1p(v); }},
                     {"sin", [](double v) { return std::sin(v); }},
                     {"cos", [](double v) { return std::cos(v); }},
                     {"tanh", [](double v) { return std::tanh(v); }},
                     {"sigmoid", [](double v) { return 1 / (1 + std::exp(-v)); }},
                     {"softplus", [](double v) { return std::log1p(std::exp(v)); }},
                     {"erf", [](double v) { return std::erf(v); }},
                     {"square", [](double v) { return v * v; }},
                     {"negative", [](double v) { return -v; }}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.op);
    const Tensor y = unary(c.op, x);
    for (int i = 0; i < 3; ++i) EXPECT_NEAR(y.at({i}), c.expected(x.at({i})), 1e-15 * std::abs(c.expected(x.at({i}))));
  }
}

TEST_F(ReferenceElementwise, Float32IsDoubleRoundedOnce) {
  const float x = 0.1f;
  EXPECT_EQ(unary("exp", floats({1}, {x})).values<float>()[0], static_cast<float>(std::exp(static_cast<double>(x))));
}

TEST_F(ReferenceElementwise, CornersOfFunctions) {
  expect_values(unary("abs", doubles({4}, {-2, 0, -kInfinity, kNan})), {2, 0, kInfinity, kNan});
  expect_values(unary("sign", doubles({4}, {-2, 0, 5, kNan})), {-1, 0, 1, kNan});
  expect_values(unary("relu", doubles({4}, {-2, 0, 5, kNan})), {0, 0, 5, kNan});
  expect_values(unary("round", doubles({6}, {0.5, 1.5, 2.5, -0.5, -1.5, 2.6})), {0, 2, 2, 0, -2, 3});
  expect_values(unary("floor", doubles({2}, {-1.5, 1.5})), {-2, 1});
  expect_values(unary("ceil", doubles({2}, {-1.5, 1.5})), {-1, 2});
  expect_values(unary("softplus", doubles({3}, {-1000, 1000, kNan})), {0, 1000, kNan});
  expect_values(unary("sigmoid", doubles({3}, {-1000, 1000, 0})), {0, 1, 0.5});
  expect_values(boolean("isfinite", {doubles({3}, {1, kInfinity, kNan})}), {1, 0, 0});
  expect_values(boolean("isnan", {doubles({3}, {1, kInfinity, kNan})}), {0, 0, 1});
}

TEST_F(ReferenceElementwise, BroadcastsAsNumPy) {
  expect_values(binary("add", ramp({2, 3}), doubles({3}, {10, 20, 30})), {11, 22, 33, 14, 25, 36});
  expect_values(binary("subtract", doubles({2, 1}, {1, 2}), doubles({1, 3}, {10, 20, 30})),
                {-9, -19, -29, -8, -18, -28});
  expect_values(binary("multiply", doubles({}, {2}), ramp({3})), {2, 4, 6});
  expect_values(binary("divide", ramp({2, 2}), doubles({2, 1}, {2, 4})), {0.5, 1, 0.75, 1});
  expect_values(binary("power", doubles({3}, {2, 3, -2}), doubles({3}, {10, 0, 3})), {1024, 1, -8});
  expect_values(binary("maximum", doubles({3}, {1, kNan, 1}), doubles({3}, {2, 0, kNan})), {2, kNan, kNan});
  expect_values(binary("minimum", doubles({3}, {1, kNan, 1}), doubles({3}, {2, 0, kNan})), {1, kNan, kNan});
  EXPECT_EQ(binary("add", Tensor({0, 3}, DType::float64), ramp({3})).size(), 0);
}

TEST_F(ReferenceElementwise, IntegersAreExact) {
  const std::int64_t big = (std::int64_t{1} << 53) + 1, lowest = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(binary("add", longs({1}, {big}), longs({1}, {2})).values<std::int64_t>()[0], big + 2);
  EXPECT_EQ(binary("maximum", longs({1}, {big}), longs({1}, {big - 1})).values<std::int64_t>()[0], big);
  EXPECT_EQ(unary("negative", longs({1}, {big})).values<std::int64_t>()[0], -big);
  EXPECT_EQ(unary("abs", longs({1}, {lowest})).values<std::int64_t>()[0], lowest);  // wraps
  EXPECT_EQ(binary("multiply", ints({1}, {1 << 30}), ints({1}, {6})).values<std::int32_t>()[0],
            std::numeric_limits<std::int32_t>::min());
  expect_values(boolean("greater", {longs({1}, {big}), longs({1}, {big - 1})}), {1});
  expect_values(boolean("equal", {longs({1}, {big}), longs({1}, {big - 1})}), {0});
}

TEST_F(ReferenceElementwise, Comparisons) {
  const std::vector<Tensor> pair = {doubles({4}, {1, 2, 3, kNan}), doubles({4}, {2, 2, 2, kNan})};
  expect_values(boolean("equal", pair), {0, 1, 0, 0});
  expect_values(boolean("not_equal", pair), {1, 0, 1, 1});
  expect_values(boolean("less", pair), {1, 0, 0, 0});
  expect_values(boolean("less_equal", pair), {1, 1, 0, 0});
  expect_values(boolean("greater", pair), {0, 0, 1, 0});
  expect_values(boolean("greater_equal", pair), {0, 1, 1, 0});
  const Tensor a(Shape{4}, {true, true, false, false}), b(Shape{4}, {true, false, true, false});
  expect_values(boolean("logical_and", {a, b}), {1, 0, 0, 0});
  expect_values(boolean("logical_or", {a, b}), {1, 1, 1, 0});
  expect_values(boolean("logical_not", {a}), {0, 0, 1, 1});
}

TEST_F(ReferenceElementwise, WhereTakesElementsAsTheyAre) {
  const Tensor condition(Shape{2, 1}, {true, false});
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  const Tensor y = run("where", {}, {condition, longs({2}, {big, 2}), longs({}, {7})}, {Shape{2, 2}, DType::int64});
  EXPECT_EQ(y.to_vector<std::int64_t>(), (std::vector<std::int64_t>{big, 2, 7, 7}));
}

TEST_F(ReferenceElementwise, Casts) {
  auto cast = [&](const Tensor& x, DType to) { return run("cast", CastAttrs{to}, {x}, {x.shape(), to}); };
  expect_values(cast(doubles({4}, {1.9, -1.9, 0, kNan}), DType::int32), {1, -1, 0, 0});
  expect_values(cast(doubles({4}, {0.5, -1, 0, kNan}), DType::boolean), {1, 1, 0, 1});
  expect_values(cast(longs({2}, {256, 0}), DType::boolean), {1, 0});
  expect_values(cast(longs({2}, {257, -1}), DType::uint8), {1, 255});
  expect_values(cast(doubles({1}, {0.1}), DType::float32), {static_cast<double>(0.1f)});
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  EXPECT_EQ(cast(longs({1}, {big}), DType::int64).values<std::int64_t>()[0], big);
}

TEST_F(ReferenceElementwise, CopiesKeepEveryBit) {
  const std::int64_t big = (std::int64_t{1} << 62) + 1;
  for (const char* op : {"stop_gradient", "reshape"}) {
    EXPECT_EQ(run(op, {}, {longs({2}, {big, -big})}, {Shape{2, 1}, DType::int64}).to_vector<std::int64_t>(),
              (std::vector<std::int64_t>{big, -big}));
  }
}

}  // namespace
}  // namespace keratin::testing
