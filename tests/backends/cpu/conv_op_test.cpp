#include "keratin/core/ops/conv.h"

#include <gtest/gtest.h>

#include "keratin/core/ops/elementwise.h"
#include "tests/backends/cpu/run_op.h"

namespace keratin {
namespace {

using namespace cpu_test;

struct Case {
  Shape x, kernel;
  Conv2DAttrs attrs;
};

Tensor forward(const Case& c, DType dtype) {
  const Tensor x = random_tensor(c.x, dtype, -1, 1), kernel = random_tensor(c.kernel, dtype, -1, 1, 2);
  return run_op(kConv2D, c.attrs, {x, kernel}).at(0);
}

// All three directions against the reference backend.
void check(const Case& c, DType dtype = DType::float32) {
  SCOPED_TRACE(c.x.to_string() + " " + c.kernel.to_string());
  const double tolerance = dtype == DType::float32 ? 2e-4 : 1e-11;
  const Tensor x = random_tensor(c.x, dtype, -1, 1), kernel = random_tensor(c.kernel, dtype, -1, 1, 2);
  check_op(kConv2D, c.attrs, {x, kernel}, tolerance);
  const Tensor dy = random_tensor(forward(c, dtype).shape(), dtype, -1, 1, 3);
  check_op(kConv2DInputGrad, Conv2DInputGradAttrs{c.attrs, c.x}, {dy, kernel}, tolerance);
  check_op(kConv2DKernelGrad, Conv2DKernelGradAttrs{c.attrs, c.kernel}, {x, dy}, tolerance);
}

const Padding2D kOne{{1, 1}, {1, 1}};

TEST(CpuConv, StridesPaddingDilationAndGroups) {
  const Case cases[] = {
      {{2, 5, 6, 3}, {3, 2, 3, 4}, {}},
      {{2, 5, 6, 3}, {3, 3, 3, 4}, {.padding = kOne}},
      {{1, 7, 8, 1}, {3, 3, 1, 2}, {.strides = {2, 3}, .padding = {{0, 1}, {1, 0}}}},
      {{2, 9, 9, 2}, {3, 2, 2, 3}, {.padding = kOne, .dilation = {2, 3}}},
      {{2, 6, 6, 4}, {3, 3, 2, 6}, {.padding = kOne, .groups = 2}},
      {{2, 6, 6, 4}, {3, 3, 1, 4}, {.padding = kOne, .groups = 4}},
      {{3, 4, 4, 8}, {1, 1, 8, 5}, {}},
      {{3, 4, 4, 8}, {1, 1, 8, 5}, {.strides = {2, 2}}},
      {{1, 3, 3, 2}, {3, 3, 2, 4}, {.padding = {{2, 2}, {2, 2}}}},
      {{0, 5, 5, 2}, {3, 3, 2, 4}, {}},
  };
  for (const Case& c : cases) {
    check(c);
    check(c, DType::float64);
  }
}

// Many images, and few: bands of rows.
TEST(CpuConv, ChunksOnThreads) {
  check({{8, 14, 14, 16}, {3, 3, 16, 32}, {.padding = kOne}});
  check({{1, 40, 40, 16}, {3, 3, 16, 32}, {.strides = {2, 1}, .padding = {{1, 0}, {0, 1}}}});
  check({{2, 40, 40, 32}, {1, 1, 32, 64}, {}});
  // One pixel for each image: a chunk has few rows of a product. So many channels take the reference long.
  for (const auto& [x, kernel] :
       {std::pair<Shape, Shape>{{32, 1, 1, 960}, {1, 1, 960, 1280}}, {{16, 5, 5, 64}, {5, 5, 64, 640}}}) {
    run_on_threads(kConv2DInputGrad, Conv2DInputGradAttrs{{}, x},
                   {random_tensor({x[0], 1, 1, kernel[3]}), random_tensor(kernel, DType::float32, -1, 1, 2)});
  }
  const std::vector<Tensor> one = {random_tensor({1, 40, 40, 16}), random_tensor({3, 3, 16, 32})};
  EXPECT_NE(describe_op(kConv2D, Conv2DAttrs{}, one).find("chunks"), std::string::npos);
}

TEST(CpuConv, FusedIsConvolutionBiasAndRelu) {
  const Conv2DAttrs conv{.padding = kOne};
  for (const bool bias : {false, true}) {
    for (const auto activation : {FusedActivation::none, FusedActivation::relu}) {
      for (const Shape& shape : {Shape{3, 6, 7, 3}, Shape{1, 60, 60, 12}}) {
        std::vector<Tensor> in = {random_tensor(shape), random_tensor({3, 3, shape[3], 16}, DType::float32, -1, 1, 2)};
        Tensor expected = run_op(kConv2D, conv, in).at(0);
        if (bias) {
          in.push_back(random_tensor({16}, DType::float32, -2, 2, 3));
          expected = run_op(kAdd, {}, {expected, in[2]}).at(0);
        }
        if (activation == FusedActivation::relu) expected = run_op(kRelu, {}, {expected}).at(0);
        expect_close(run_on_threads(kConv2DFused, Conv2DFusedAttrs{conv, bias, activation}, in).at(0), expected, 1e-5);
      }
    }
  }
}

// Not a bit differs from the ops that it stands for, on any way that a convolution goes.
TEST(CpuConv, NormalizedHasTheBitsOfWhatItIsMadeOf) {
  const Case cases[] = {
      {{3, 6, 7, 3}, {3, 3, 3, 16}, {.padding = kOne}},
      {{1, 60, 60, 12}, {3, 3, 12, 20}, {.padding = kOne}},
      {{2, 9, 12, 5}, {3, 3, 5, 18}, {.strides = {2, 3}, .padding = kOne}},
      // column by column of the window, with any instruction set; lines that see no image
      {{4, 8, 8, 64}, {3, 3, 64, 64}, {.padding = kOne}},
      {{2, 4, 5, 32}, {3, 3, 32, 20}, {.padding = kOne}},
      {{2, 2, 3, 32}, {3, 2, 32, 16}, {.padding = {{4, 1}, {4, 1}}}},
      {{2, 6, 5, 3}, {3, 3, 3, 4}, {}},
      {{1, 9, 24, 1}, {3, 3, 1, 32}, {.padding = kOne}},
      {{4, 8, 8, 32}, {1, 1, 32, 24}, {}},          // a product
      {{2, 9, 9, 6}, {3, 3, 1, 6}, {.groups = 6}},  // channel by channel
      {{2, 9, 9, 8}, {3, 3, 4, 6}, {.dilation = {2, 2}, .groups = 2}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.x.to_string() + " " + c.kernel.to_string());
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Tensor x = random_tensor(c.x, dtype, -1, 1), kernel = random_tensor(c.kernel, dtype, -1, 1, 2);
      const Tensor y = run_op(kConv2D, c.attrs, {x, kernel}).at(0), more = random_tensor(y.shape(), dtype, -1, 1, 3);
      const auto feature = [&](int seed) { return random_tensor({y.shape()[3]}, dtype, -2, 2, seed); };
      for (int flags = 0; flags < 8; ++flags) {
        const Conv2DNormalizedAttrs attrs{c.attrs, (flags & 1) != 0, (flags & 2) != 0,
                                          flags & 4 ? FusedActivation::relu : FusedActivation::none};
        std::vector<Tensor> in = {x, kernel, feature(4), feature(5)};
        Tensor expected = y;
        if (attrs.bias) {
          in.push_back(feature(6));
          expected = run_op(kAdd, {}, {expected, in[4]}).at(0);
        }
        expected = run_op(kAdd, {}, {run_op(kMultiply, {}, {expected, in[2]}).at(0), in[3]}).at(0);
        if (attrs.more) {
          in.push_back(more);
          expected = run_op(kAdd, {}, {expected, more}).at(0);
        }
        if (flags & 4) expected = run_op(kRelu, {}, {expected}).at(0);
        expect_same_bits(run_on_threads(kConv2DNormalized, attrs, in).at(0), expected);
      }
    }
  }
}

TEST(CpuConv, RefusesWhatDoesNotFit) {
  const auto spec = [](Shape shape) { return Spec{std::move(shape), DType::float32}; };
  const Spec x = spec({1, 5, 5, 2}), kernel = spec({3, 3, 2, 4}), y = spec({1, 3, 3, 4});
  EXPECT_TRUE(supported(kConv2D, Conv2DAttrs{}, {x, kernel}, {y}));
  EXPECT_FALSE(supported(kConv2D, Conv2DAttrs{.strides = {0, 1}}, {x, kernel}, {y}));
  EXPECT_FALSE(supported(kConv2D, Conv2DAttrs{.groups = 2}, {x, kernel}, {y}));
  EXPECT_FALSE(supported(kConv2D, Conv2DAttrs{}, {x, kernel}, {spec({1, 4, 3, 4})}));
  EXPECT_FALSE(supported(kConv2D, Conv2DAttrs{}, {x, spec({6, 3, 2, 4})}, {y}));
  EXPECT_FALSE(supported(kConv2DInputGrad, Conv2DAttrs{}, {y, kernel}, {x}));
  EXPECT_FALSE(supported(kConv2DFused, Conv2DFusedAttrs{.bias = true}, {x, kernel, spec({3})}, {y}));
  const Spec four = spec({4});
  EXPECT_TRUE(supported(kConv2DNormalized, Conv2DNormalizedAttrs{.more = true}, {x, kernel, four, four, y}, {y}));
  EXPECT_FALSE(supported(kConv2DNormalized, Conv2DNormalizedAttrs{}, {x, kernel, four, spec({3})}, {y}));
  EXPECT_FALSE(supported(kConv2DNormalized, Conv2DNormalizedAttrs{.more = true}, {x, kernel, four, four, four}, {y}));
  EXPECT_FALSE(supported(kConv2DNormalized, Conv2DNormalizedAttrs{.bias = true}, {x, kernel, four, four}, {y}));
}

}  // namespace
}  // namespace keratin
