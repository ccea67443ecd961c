#include "keratin/core/ops/pool.h"

#include "tests/backends/reference/fixture.h"

namespace keratin::testing {
namespace {

using ReferencePool = ReferenceTest;

const Spec kImage{Shape{1, 3, 3, 1}, DType::float64}, kPooled{Shape{1, 2, 2, 1}, DType::float64};
// Windows start at rows and columns 0 and 2; the last ones reach over the edge.
const Pool2DAttrs kSame{.window = {2, 2}, .strides = {2, 2}, .padding = {.before = {0, 0}, .after = {1, 1}}};

TEST_F(ReferencePool, PaddingNeverWinsAndIsNotCounted) {
  const Tensor x = ramp({1, 3, 3, 1}, -9);  // -9 ... -1
  expect_values(run("max_pool2d", kSame, {x}, kPooled), {-5, -4, -2, -1});
  expect_values(run("average_pool2d", kSame, {x}, kPooled), {-7, -5.5, -2.5, -1});
}

TEST_F(ReferencePool, OverlappingWindowsAndChannels) {
  const Pool2DAttrs attrs{.window = {2, 1}, .strides = {1, 1}};
  expect_values(
      run("max_pool2d", attrs, {doubles({1, 3, 1, 2}, {1, 9, 5, 2, 3, 4})}, {Shape{1, 2, 1, 2}, DType::float64}),
      {5, 9, 5, 4});
}

TEST_F(ReferencePool, NanIsNotLost) {
  const Tensor x = doubles({1, 2, 2, 1}, {1, kNan, 3, 4});
  expect_values(run("max_pool2d", Pool2DAttrs{}, {x}, {Shape{1, 1, 1, 1}, DType::float64}), {kNan});
}

TEST_F(ReferencePool, MaximumGradientGoesToTheFirst) {
  const Tensor x = doubles({1, 3, 3, 1}, {5, 5, 1, 5, 5, 2, 0, 0, 3}), y = doubles({1, 2, 2, 1}, {5, 2, 0, 3});
  expect_values(run("max_pool2d_grad", kSame, {x, y, ramp({1, 2, 2, 1})}, kImage), {1, 0, 0, 0, 0, 2, 3, 0, 4});
  // Overlapping windows add up.
  const Pool2DAttrs overlapping{.window = {2, 2}, .strides = {1, 1}};
  const Tensor peak = doubles({1, 3, 3, 1}, {0, 0, 0, 0, 9, 0, 0, 0, 0});
  expect_values(
      run("max_pool2d_grad", overlapping, {peak, doubles({1, 2, 2, 1}, {9, 9, 9, 9}), ramp({1, 2, 2, 1})}, kImage),
      {0, 0, 0, 0, 10, 0, 0, 0, 0});
}

TEST_F(ReferencePool, AverageGradientIsSharedInsideTheImage) {
  const AveragePool2DGradAttrs attrs{kSame, kImage.shape};
  expect_values(run("average_pool2d_grad", attrs, {doubles({1, 2, 2, 1}, {4, 6, 8, 5})}, kImage),
                {1, 1, 3, 1, 1, 3, 4, 4, 5});
}

}  // namespace
}  // namespace keratin::testing
