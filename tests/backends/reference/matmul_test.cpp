#include "keratin/core/ops/matmul.h"

#include "tests/backends/reference/fixture.h"

namespace keratin::testing {
namespace {

class ReferenceMatMul : public ReferenceTest {
 protected:
  Tensor matmul(const Tensor& a, const Tensor& b, Shape result, MatMulAttrs attrs = {}) {
    return run("matmul", attrs, {a, b}, {std::move(result), a.dtype()});
  }
};

// [[1 2 3], [4 5 6]] · [[1 2], [3 4], [5 6]] in all four storages.
TEST_F(ReferenceMatMul, Flags) {
  const Tensor a = ramp({2, 3}), b = ramp({3, 2});
  const Tensor at = doubles({3, 2}, {1, 4, 2, 5, 3, 6}), bt = doubles({2, 3}, {1, 3, 5, 2, 4, 6});
  const std::vector<double> expected = {22, 28, 49, 64};
  expect_values(matmul(a, b, {2, 2}), expected);
  expect_values(matmul(at, b, {2, 2}, {.transpose_a = true}), expected);
  expect_values(matmul(a, bt, {2, 2}, {.transpose_b = true}), expected);
  expect_values(matmul(at, bt, {2, 2}, {.transpose_a = true, .transpose_b = true}), expected);
}

TEST_F(ReferenceMatMul, LeadingAxesBroadcast) {
  // a: (2, 1, 1, 2)   b: (3, 2, 1)   result: (2, 3, 1, 1)
  expect_values(matmul(ramp({2, 1, 1, 2}), ramp({3, 2, 1}), {2, 3, 1, 1}), {5, 11, 17, 11, 25, 39});
  // One matrix for every row of a batch.
  expect_values(matmul(ramp({2, 1, 2}), doubles({2, 1}, {1, 10}), {2, 1, 1}), {21, 43});
}

TEST_F(ReferenceMatMul, NothingToSumIsZero) {
  expect_values(matmul(Tensor({2, 0}, DType::float64), Tensor({0, 1}, DType::float64), {2, 1}), {0, 0});
}

TEST_F(ReferenceMatMul, Float32IsSummedInDouble) {
  // In float, 2^24 + 1 would be lost.
  const Tensor a = floats({1, 3}, {16777216.0f, 1.0f, 1.0f}), b = floats({3, 1}, {1, 1, 1});
  expect_values(matmul(a, b, {1, 1}), {16777218});
}

}  // namespace
}  // namespace keratin::testing
