#include "keratin/core/ops/pool.h"

#include <gtest/gtest.h>

#include "tests/backends/cpu/run_op.h"

namespace keratin {
namespace {

using namespace cpu_test;

void check(const Shape& shape, const Pool2DAttrs& attrs, DType dtype) {
  SCOPED_TRACE(shape.to_string());
  // Whole numbers: many equal maxima.
  const Tensor x = random_tensor(shape, DType::int32, -3, 3).astype(dtype);
  check_op(kMaxPool2D, attrs, {x});
  check_op(kAveragePool2D, attrs, {x}, 1e-6);
  const Tensor y = run_op(kMaxPool2D, attrs, {x}).at(0), dy = random_tensor(y.shape(), dtype, -1, 1, 2);
  check_op(kMaxPool2DGrad, attrs, {x, y, dy}, 1e-6);
  check_op(kAveragePool2DGrad, AveragePool2DGradAttrs{attrs, shape}, {dy}, 1e-6);
}

TEST(CpuPool, WindowsStridesAndPadding) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    check({2, 6, 6, 3}, {}, dtype);
    check({2, 7, 5, 3}, {.window = {3, 2}, .strides = {1, 2}}, dtype);
    check({2, 7, 5, 70}, {.window = {3, 3}, .strides = {2, 2}, .padding = {{1, 0}, {1, 2}}}, dtype);
    check({1, 5, 4, 2}, {.window = {5, 4}, .strides = {1, 1}}, dtype);
    check({0, 4, 4, 2}, {}, dtype);
  }
}

TEST(CpuPool, ImagesOnThreads) { check({60, 24, 24, 16}, {}, DType::float32); }

TEST(CpuPool, RefusesWhatDoesNotFit) {
  const Spec x{{1, 4, 4, 2}, DType::float32}, y{{1, 2, 2, 2}, DType::float32};
  EXPECT_TRUE(supported(kMaxPool2D, Pool2DAttrs{}, {x}, {y}));
  EXPECT_FALSE(supported(kMaxPool2D, Pool2DAttrs{.strides = {1, 1}}, {x}, {y}));
  EXPECT_FALSE(supported(kMaxPool2D, Pool2DAttrs{.window = {9, 9}}, {x}, {y}));
  EXPECT_FALSE(supported(kMaxPool2D, Pool2DAttrs{}, {{{1, 4, 4, 2}, DType::int32}}, {{{1, 2, 2, 2}, DType::int32}}));
  EXPECT_FALSE(supported(kAveragePool2DGrad, AveragePool2DGradAttrs{{}, {1, 5, 4, 2}}, {y}, {x}));
}

}  // namespace
}  // namespace keratin
