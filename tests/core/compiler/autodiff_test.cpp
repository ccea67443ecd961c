// Gradients of graphs; the ops' own gradients are checked by the op table.
#include <gtest/gtest.h>

#include "keratin/core/compiler/autodiff.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/ops.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

Value number(double x) { return constant(Tensor::scalar(x)); }
double gradient_of(const Value& loss, const Value& x) {
  return gradients(loss, std::span<const Value>(&x, 1))[0].tensor().item();
}

TEST(Gradients, SumOverAllPaths) {
  const Value x = number(3);
  const Value square = x * x;              // d = 2x
  const Value loss = square * x + square;  // x^3 + x^2: d = 3x^2 + 2x
  EXPECT_DOUBLE_EQ(gradient_of(loss, x), 27 + 6);
}

TEST(Gradients, OfIntermediateValues) {
  const Value x = number(2);
  const Value y = x * x;
  EXPECT_DOUBLE_EQ(gradient_of(y * y, y), 8);
}

TEST(Gradients, EmptyWhereTheLossDoesNotDepend) {
  const Value x = number(2), other = number(5);
  const Value loss = x * x;
  EXPECT_FALSE(gradients(loss, std::span<const Value>(&other, 1))[0]);
  const Value stopped = ops::stop_gradient(x) * 3.0;
  EXPECT_FALSE(gradients(stopped, std::span<const Value>(&x, 1))[0]);
}

TEST(Gradients, AllReadsOfAVariableCount) {
  const auto w = std::make_shared<VariableState>("w", Shape{}, DType::float32, [] { return Tensor::scalar(4.0f); });
  const Value loss = read(w) * read(w);  // two separate reads
  EXPECT_FLOAT_EQ(static_cast<float>(gradients(loss, std::span<const VariablePtr>(&w, 1))[0].tensor().item()), 8);
}

// x^2 through both poolings: averages have second derivatives; a maximum says that it has none.
TEST(Gradients, SecondDerivativesThroughPooling) {
  const Value x = constant(Tensor({1, 2, 2, 1}, {1.0, 2.0, 3.0, 4.0}));
  const auto slope = [&](const Value& pooled) {
    return ops::sum(gradients(ops::sum(pooled * pooled), std::span<const Value>(&x, 1))[0]);
  };
  const Value second = gradients(slope(ops::average_pool2d(x)), std::span<const Value>(&x, 1))[0];
  for (const double d : second.tensor().to_vector<double>()) EXPECT_DOUBLE_EQ(d, 0.5);  // d/dx of 2 * mean(x)
  try {
    gradients(slope(ops::max_pool2d(x)), std::span<const Value>(&x, 1));
    FAIL() << "a second derivative through max pooling would count as zero";
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("max_pool2d"), std::string::npos) << error.what();
  }
}

TEST(Gradients, LossMustBeAFloatingScalar) {
  const Value x = constant(Tensor({2}, {1.0f, 2.0f}));
  EXPECT_THROW(gradients(x, std::span<const Value>(&x, 1)), InvalidArgument);
  const Value i = constant(Tensor::scalar<std::int32_t>(1));
  EXPECT_THROW(gradients(i, std::span<const Value>(&i, 1)), InvalidArgument);
}

}  // namespace
}  // namespace keratin
