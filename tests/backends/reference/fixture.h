// What the tests of the reference backend share: the device, opened through the module's door, and short notations.
#pragma once

#include <gtest/gtest.h>

#include <any>
#include <limits>
#include <vector>

#include "tests/support/hand_made_plan.h"
#include "tests/support/modules.h"

namespace keratin::testing {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

class ReferenceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_modules()) GTEST_SKIP() << "a static build has no backend modules";
    device_ = reference_device();
  }
  Tensor run(std::string_view op, std::any attrs, const std::vector<Tensor>& inputs, const Spec& output) {
    return run_op(device_, op, std::move(attrs), inputs, output);
  }
  std::shared_ptr<Backend> device_;
};

inline Tensor doubles(Shape shape, std::initializer_list<double> values) { return Tensor(std::move(shape), values); }
inline Tensor floats(Shape shape, std::initializer_list<float> values) { return Tensor(std::move(shape), values); }
inline Tensor longs(Shape shape, std::initializer_list<std::int64_t> values) {
  return Tensor(std::move(shape), values);
}
inline Tensor ints(Shape shape, std::initializer_list<std::int32_t> values) { return Tensor(std::move(shape), values); }

// first, first + step, ...
inline Tensor ramp(Shape shape, double first = 1, double step = 1) {
  Tensor result(std::move(shape), DType::float64);
  for (double value = first; double& element : result.values<double>()) {
    element = value;
    value += step;
  }
  return result;
}

// Equal in every bit that matters: NaN equals NaN, numbers must be equal.
inline void expect_values(const Tensor& tensor, const std::vector<double>& expected) {
  const Tensor converted = tensor.astype(DType::float64);
  const auto values = converted.values<double>();
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] != expected[i]) {
      EXPECT_NE(values[i], values[i]) << "element " << i;
    } else {
      EXPECT_EQ(values[i], expected[i]) << "element " << i;
    }
  }
}

}  // namespace keratin::testing
