// Ops without a kernel run as their definitions: graphs through the compiler, in float64.
#include <cmath>

#include "keratin/core/ops/ops.h"
#include "keratin/core/runtime/device.h"
#include "tests/backends/reference/fixture.h"

namespace keratin::testing {
namespace {

using ReferenceDefinition = ReferenceTest;

TEST_F(ReferenceDefinition, Softmax) {
  const DeviceScope scope("reference:0");
  const Tensor y = ops::softmax(doubles({1, 3}, {1, 2, 3}));
  const double sum = std::exp(-2.0) + std::exp(-1.0) + 1;
  EXPECT_EQ(y.dtype(), DType::float64);
  EXPECT_EQ(y.device(), "reference:0");
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(y.at({0, i}), std::exp(i - 2.0) / sum, 1e-15);
}

TEST_F(ReferenceDefinition, SparseCrossentropy) {
  const DeviceScope scope("reference:0");
  const Tensor loss =
      ops::sparse_categorical_crossentropy(ints({2}, {2, 0}), doubles({2, 3}, {1, 2, 3, 0, 0, 0}), true);
  EXPECT_NEAR(loss.at({0}), std::log(std::exp(-2.0) + std::exp(-1.0) + 1), 1e-15);
  EXPECT_NEAR(loss.at({1}), std::log(3.0), 1e-15);
}

TEST_F(ReferenceDefinition, DropoutKeepsTheSum) {
  const DeviceScope scope("reference:0");
  const Tensor y = ops::dropout(ramp({1000}, 1, 0), longs({}, {3}), 0.25, 7);
  double sum = 0;
  for (double value : y.values<double>()) {
    EXPECT_TRUE(value == 0 || std::abs(value - 4.0 / 3) < 1e-15) << value;
    sum += value;
  }
  EXPECT_NEAR(sum / 1000, 1, 0.1);
}

TEST_F(ReferenceDefinition, ConvolutionPoolingAndProducts) {
  const DeviceScope scope("reference:0");
  const Value image = ramp({1, 4, 4, 1}), kernel = ramp({1, 1, 1, 2});
  const Value pooled = ops::max_pool2d(ops::relu(ops::conv2d(image, kernel) - 10.0));
  const Tensor y = ops::matmul(ops::flatten(pooled), ramp({8, 1}, 1, 0));
  // Maxima 6, 8, 14, 16 times 1 and 2, minus 10, rectified.
  expect_values(y, {0 + 2 + 0 + 6 + 4 + 18 + 6 + 22});
}

}  // namespace
}  // namespace keratin::testing
