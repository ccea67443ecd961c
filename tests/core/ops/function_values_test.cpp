// Numbers known from elsewhere, for functions that are compositions of ops: a device that runs the composition right
// may still run the wrong composition.
#include <cmath>

#include "keratin/core/compiler/autodiff.h"
#include "keratin/core/compiler/eager.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/ops.h"

namespace keratin {
namespace {

using Floats = std::vector<float>;
using Ints = std::vector<std::int32_t>;

Value floats(Shape shape, const Floats& values) { return Tensor(std::move(shape), values); }

void expect_near(const Value& value, const Floats& expected, double tolerance = 2e-6) {
  const Floats got = value.tensor().to_vector<float>();
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], tolerance) << "element " << i;
}

// The gradient of sum(y) for x.
Value slope(const Value& y, const Value& x) { return gradients(ops::sum(y), std::span<const Value>(&x, 1))[0]; }

// Computed in double from the definitions in Keras's documentation.
TEST(ActivationValues, AreKerass) {
  const Value x = floats({4}, {-3, -0.5, 0, 1});
  expect_near(ops::elu(x), {-0.9502129f, -0.3934693f, 0, 1});
  expect_near(ops::selu(x), {-1.6705687f, -0.6917582f, 0, 1.0507010f});
  expect_near(ops::celu(x, 2), {-1.5537397f, -0.4423984f, 0, 1});
  expect_near(ops::softsign(x), {-0.75f, -0.3333333f, 0, 0.5f});
  expect_near(ops::silu(x), {-0.1422776f, -0.1887703f, 0, 0.7310586f});
  expect_near(ops::gelu(x), {-0.0040497f, -0.1542688f, 0, 0.8413447f});
  expect_near(ops::gelu(x, true), {-0.0036374f, -0.1542860f, 0, 0.8411920f});
  expect_near(ops::mish(x), {-0.1456475f, -0.2207438f, 0, 0.8650984f});
  expect_near(ops::log_sigmoid(x), {-3.0485874f, -0.9740770f, -0.6931472f, -0.3132617f});
  expect_near(ops::hard_sigmoid(x), {0, 0.4166667f, 0.5f, 0.6666667f});
  expect_near(ops::hard_silu(x), {0, -0.2083333f, 0, 0.6666667f});
  expect_near(ops::hard_tanh(x), {-1, -0.5f, 0, 1});
  expect_near(ops::leaky_relu(x), {-0.6f, -0.1f, 0, 1});
  expect_near(ops::relu6(floats({3}, {-1, 3, 7})), {0, 3, 6});
}

TEST(ActivationValues, ReluHasThreeParameters) {
  const Value x = floats({5}, {-2, 0.5, 1, 3, 9});
  expect_near(ops::relu_general(x, 0, -1, 0), {0, 0.5f, 1, 3, 9});
  expect_near(ops::relu_general(x, 0, 4, 0), {0, 0.5f, 1, 3, 4});
  expect_near(ops::relu_general(x, 0, 4, 1), {0, 0, 0, 3, 4});
  expect_near(ops::relu_general(x, 0.1, 4, 1), {-0.3f, -0.05f, 0, 3, 4});
}

TEST(ActivationValues, LargeArgumentsHaveFiniteSlopes) {
  const Value x = floats({2}, {1000, -1000});
  expect_near(slope(ops::elu(x), x), {1, 0});
  expect_near(slope(ops::celu(x), x), {1, 0});
  expect_near(slope(ops::softplus(x), x), {1, 0});
  expect_near(slope(ops::silu(x), x), {1, 0});
}

TEST(GradientAtCorners, IsTheOneOfKerassJaxBackend) {
  const Value x = floats({3}, {-1, 0, 2});
  expect_near(slope(ops::relu(x), x), {0, 0, 1});
  expect_near(slope(ops::abs(x), x), {-1, 0, 1});
  expect_near(slope(ops::maximum(x, 0.0), x), {0, 0.5f, 1});
  expect_near(slope(ops::minimum(x, 0.0), x), {1, 0.5f, 0});
  expect_near(slope(ops::clip(x, -1, 1), x), {0.5f, 1, 0});
  const Value ties = floats({4}, {3, 1, 3, 2});
  expect_near(slope(ops::max(ties), ties), {0.5f, 0, 0.5f, 0});
  expect_near(slope(ops::min(ties), ties), {0, 1, 0, 0});
  const Value zeros = floats({3}, {0, 2, 3}), two_zeros = floats({3}, {0, 2, 0});
  expect_near(slope(ops::prod(zeros), zeros), {6, 0, 0});
  expect_near(slope(ops::prod(two_zeros), two_zeros), {0, 0, 0});
  const Value bases = floats({2}, {0, 3});
  expect_near(slope(ops::power(bases, 2.0), bases), {0, 6});
  expect_near(slope(ops::power(bases, 0.0), bases), {0, 0});
}

TEST(GradientAtCorners, StopGradientStops) {
  const Value x = floats({2}, {2, 3});
  expect_near(slope(x * ops::stop_gradient(x), x), {2, 3});
  EXPECT_FALSE(slope(ops::stop_gradient(x) * 2.0, x));
  EXPECT_FALSE(slope(ops::floor(x), x));
}

TEST(ShapingValues, MoveElementsWhereTheySay) {
  const Value x = floats({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(ops::repeat(x, 2, 0).tensor().to_vector<float>(), (Floats{1, 2, 1, 2, 3, 4, 3, 4}));
  EXPECT_EQ(ops::repeat(x, 2, 1).tensor().to_vector<float>(), (Floats{1, 1, 2, 2, 3, 3, 4, 4}));
  EXPECT_EQ(ops::stack({x, x + 4.0}, 0).tensor().to_vector<float>(), (Floats{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(ops::stack({x, x + 4.0}, -1).tensor().to_vector<float>(), (Floats{1, 5, 2, 6, 3, 7, 4, 8}));
  EXPECT_EQ(ops::concatenate({x, x + 4.0}, 1).tensor().to_vector<float>(), (Floats{1, 2, 5, 6, 3, 4, 7, 8}));
  EXPECT_EQ(ops::transpose(x, {1, 0}).tensor().to_vector<float>(), (Floats{1, 3, 2, 4}));
  EXPECT_EQ(ops::split(x, 2, 1)[1].tensor().to_vector<float>(), (Floats{2, 4}));
  EXPECT_EQ(ops::pad(x, {1, 0}, {0, 1}, 9).tensor().to_vector<float>(), (Floats{9, 9, 9, 1, 2, 9, 3, 4, 9}));
  EXPECT_EQ(ops::iota({2, 3}, 0).tensor().to_vector<std::int32_t>(), (Ints{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(ops::ones_like(x).tensor().to_vector<float>(), (Floats{1, 1, 1, 1}));
  EXPECT_EQ(ops::sum_to(x, {2, 1}).tensor().to_vector<float>(), (Floats{3, 7}));
  EXPECT_EQ(ops::sum_to(x, {2}).tensor().to_vector<float>(), (Floats{4, 6}));
}

TEST(ReduceValues, FollowTheirFormulas) {
  const Value x = floats({2, 3}, {1, 2, 6, -1, -1, -1});
  expect_near(ops::variance(x, {1}), {14.0f / 3, 0});  // divided by n
  expect_near(ops::logsumexp(x, {1}),
              {std::log(std::exp(1.0f) + std::exp(2.0f) + std::exp(6.0f)), -1 + std::log(3.0f)});
  expect_near(ops::mean(Tensor({3}, {1, 2, 4})), {7.0f / 3});
  EXPECT_EQ(ops::sum(Tensor({300}, std::vector<std::uint8_t>(300, 255))).tensor().item(), 76500);
  EXPECT_EQ(ops::argmax(x).tensor().to_vector<std::int32_t>(), (Ints{2, 0}));
}

TEST(LossValues, AreKerass) {
  const Value p = floats({2, 3}, {0.2f, 0.2f, 0.4f, 0.1f, 0.8f, 0.1f});
  const Tensor labels({2}, {2, 0});
  // The first row's probabilities sum to 0.8, so that 0.4 counts as 0.5.
  const Floats expected = {-std::log(0.5f), -std::log(0.1f)};
  expect_near(ops::sparse_categorical_crossentropy(labels, p), expected);
  expect_near(ops::categorical_crossentropy(ops::one_hot(labels, 3), p), expected);
  const Value logits = ops::log(p);
  expect_near(ops::sparse_categorical_crossentropy(labels, logits, true), expected);
  expect_near(ops::categorical_crossentropy(ops::one_hot(labels, 3), logits, true), expected);
  const Value t = floats({3}, {1, 0, 0.25f}), q = floats({3}, {0.9f, 0.2f, 0.5f});
  const Floats binary = {-std::log(0.9f), -std::log(0.8f), -std::log(0.5f)};
  expect_near(ops::binary_crossentropy(t, q), binary);
  expect_near(ops::binary_crossentropy(t, ops::log(q / (1.0 - q)), true), binary);
  // Certain and wrong costs -ln(1e-7), not infinity.
  expect_near(ops::sparse_categorical_crossentropy(Tensor({1}, {0}), floats({1, 2}, {0, 1})), {16.118096f}, 1e-4);
  EXPECT_EQ(ops::one_hot(Tensor({3}, {1, -1, 3}), 3).tensor().to_vector<float>(), (Floats{0, 1, 0, 0, 0, 0, 0, 0, 0}));
}

struct Moments {
  double mean, variance;
};
Moments moments(const Floats& x) {
  double sum = 0, squares = 0;
  for (float v : x) sum += v, squares += static_cast<double>(v) * v;
  const double n = static_cast<double>(x.size()), mean = sum / n;
  return {mean, squares / n - mean * mean};
}

TEST(RandomValues, HaveTheirDistributions) {
  const Value step = Tensor::scalar<std::int64_t>(3);
  const Moments uniform = moments(ops::random_uniform(step, {40000}, 11).tensor().to_vector<float>());
  EXPECT_NEAR(uniform.mean, 0.5, 0.006);  // 4 standard deviations, as below
  EXPECT_NEAR(uniform.variance, 1.0 / 12, 0.002);
  const Floats normal = ops::random_normal(step, {40000}, 11).tensor().to_vector<float>();
  EXPECT_NEAR(moments(normal).mean, 0, 0.02);
  EXPECT_NEAR(moments(normal).variance, 1, 0.03);
  double beyond_two = 0, of_neighbours = 0;
  for (std::size_t i = 0; i < normal.size(); ++i) {
    beyond_two += std::abs(normal[i]) > 2;
    of_neighbours += i > 0 ? normal[i] * normal[i - 1] : 0;
  }
  EXPECT_NEAR(beyond_two / 40000, 0.0455, 0.0042);
  EXPECT_NEAR(of_neighbours / 40000, 0, 0.02);
}

TEST(RandomValues, DependOnStreamAndStep) {
  const auto draw = [](std::int64_t step, std::uint64_t stream) {
    return ops::random_uniform(Tensor::scalar(step), {64}, stream).tensor().to_vector<float>();
  };
  EXPECT_EQ(draw(1, 2), draw(1, 2));
  EXPECT_NE(draw(1, 2), draw(2, 2));
  EXPECT_NE(draw(1, 2), draw(1, 3));
  EXPECT_NE(draw(1, 2), draw(2, 1));
}

TEST(RandomValues, DropoutKeepsTheExpectation) {
  const Value x = floats({20000}, Floats(20000, 1.0f)), step = Tensor::scalar<std::int64_t>(3);
  const Value y = ops::dropout(x, step, 0.25, 5);
  const Floats kept = y.tensor().to_vector<float>();
  double dropped = 0;
  for (float v : kept) {
    EXPECT_TRUE(v == 0 || std::abs(v - 4.0f / 3) < 1e-6f) << v;
    dropped += v == 0;
  }
  EXPECT_NEAR(dropped / 20000, 0.25, 0.0125);
  EXPECT_EQ(slope(y, x).tensor().to_vector<float>(), kept);  // the same mask
  EXPECT_EQ(moments(ops::dropout(x, step, 1, 5).tensor().to_vector<float>()).variance, 0);
  EXPECT_EQ(ops::dropout(x, step, 0, 5).tensor().to_vector<float>(), Floats(20000, 1.0f));
}

}  // namespace
}  // namespace keratin
