#include "keratin/core/ops/conv.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/pool.h"
#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;
using Pads = std::pair<std::int64_t, std::int64_t>;

Value of(Shape shape, DType dtype = DType::float32) { return input_value("x", {std::move(shape), dtype}); }

TEST(Conv2D, InfersTheOutputsSize) {
  const Value x = of({2, 9, 8, 4});
  EXPECT_EQ(ops::conv2d(x, of({3, 2, 4, 7})).shape(), (Shape{2, 7, 7, 7}));
  EXPECT_EQ(ops::conv2d(x, of({3, 3, 4, 7}), {.strides = {2, 3}}).shape(), (Shape{2, 4, 2, 7}));
  EXPECT_EQ(ops::conv2d(x, of({3, 3, 4, 7}), {.padding = {{1, 1}, {1, 1}}}).shape(), (Shape{2, 9, 8, 7}));
  EXPECT_EQ(ops::conv2d(x, of({3, 3, 4, 7}), {.dilation = {4, 3}}).shape(), (Shape{2, 1, 2, 7}));
  EXPECT_EQ(ops::conv2d(x, of({3, 3, 2, 6}), {.groups = 2}).shape(), (Shape{2, 7, 6, 6}));
  EXPECT_EQ(ops::conv2d(of({0, 9, 8, 4}), of({3, 3, 4, 7})).shape(), (Shape{0, 7, 6, 7}));
}

TEST(Conv2D, NamesWhatDoesNotFit) {
  const Value x = of({2, 2, 2, 4});
  expect_error<InvalidArgument>(
      [&] {
        ops::conv2d(x, of({3, 3, 4, 7}));
      },
      {"conv2d: ", "the 3x3 window does not fit 2x2 input"});
  expect_error<InvalidArgument>(
      [&] {
        ops::conv2d(x, of({2, 2, 4, 7}), {.dilation = {3, 1}});
      },
      {"the 4x2 dilated window"});
  expect_error<InvalidArgument>(
      [&] {
        ops::conv2d(x, of({5, 5, 4, 7}), {.padding = {{1, 1}, {1, 1}}});
      },
      {"which padding makes 4x4"});
  expect_error<InvalidArgument>([&] { ops::conv2d(x, of({1, 1, 3, 7})); }, {"4 channels", "takes 3"});
  expect_error<InvalidArgument>([&] { ops::conv2d(x, of({1, 1, 2, 7}), {.groups = 2}); }, {"7", "divisible by groups"});
  expect_error<InvalidArgument>([&] { ops::conv2d(x, of({1, 1, 4, 7}), {.groups = 0}); }, {"groups", "got 0"});
  expect_error<InvalidArgument>([&] { ops::conv2d(x, of({1, 1, 4, 7}), {.strides = {0, 1}}); }, {"strides", "[0, 1]"});
  expect_error<InvalidArgument>([&] { ops::conv2d(x, of({1, 1, 4, 7}), {.dilation = {1, 0}}); }, {"dilation"});
  expect_error<InvalidArgument>([&] { ops::conv2d(x, of({1, 1, 4, 7}), {.padding = {{-1, 0}, {0, 0}}}); }, {"padding"});
  expect_error<InvalidArgument>([&] { ops::conv2d(of({2, 3}), of({1, 1, 4, 7})); }, {"(n, h, w, c)", "(2, 3)"});
  expect_error<InvalidArgument>([&] { ops::conv2d(x, of({4, 7})); }, {"(kh, kw, c/groups, f)"});
}

TEST(Conv2D, GradientsCheckDy) {
  const Conv2DAttrs conv;
  const Value kernel = of({3, 3, 1, 2}), x = of({2, 5, 5, 1});
  const Conv2DInputGradAttrs input{conv, {2, 5, 5, 1}};
  EXPECT_EQ(apply1(kConv2DInputGrad, input, {of({2, 3, 3, 2}), kernel}).shape(), x.shape());
  expect_error<InvalidArgument>(
      [&] {
        apply(kConv2DInputGrad, input, {of({2, 4, 3, 2}), kernel});
      },
      {"conv2d_input_grad: dy", "(2, 3, 3, 2)", "(2, 4, 3, 2)"});
  const Conv2DKernelGradAttrs grad{conv, {3, 3, 1, 2}};
  EXPECT_EQ(apply1(kConv2DKernelGrad, grad, {x, of({2, 3, 3, 2})}).shape(), kernel.shape());
  expect_error<InvalidArgument>([&] { apply(kConv2DKernelGrad, grad, {x, of({1, 3, 3, 2})}); }, {"dy", "(1, 3, 3, 2)"});
}

TEST(Conv2D, AttributesAreToldApart) {
  const Conv2DAttrs base;
  const std::vector<Conv2DAttrs> others = {{.strides = {1, 2}},
                                           {.padding = {{1, 0}, {0, 0}}},
                                           {.padding = {{0, 0}, {1, 0}}},
                                           {.dilation = {2, 1}},
                                           {.groups = 2}};
  for (const Conv2DAttrs& other : others) EXPECT_NE(kConv2D.describe(base), kConv2D.describe(other));
  EXPECT_NE(kConv2DInputGrad.describe(Conv2DInputGradAttrs{base, {1, 5, 5, 1}}),
            kConv2DInputGrad.describe(Conv2DInputGradAttrs{base, {1, 6, 5, 1}}));
  const auto normalized = [&](bool bias, bool more, FusedActivation activation) {
    return kConv2DNormalized.describe(Conv2DNormalizedAttrs{base, bias, more, activation});
  };
  const std::string plain = normalized(false, false, FusedActivation::none);
  EXPECT_NE(normalized(true, false, FusedActivation::none), plain);
  EXPECT_NE(normalized(false, true, FusedActivation::none), plain);
  EXPECT_NE(normalized(false, false, FusedActivation::relu), plain);
  EXPECT_NE(kConv2DFused.describe(Conv2DFusedAttrs{base, true}), kConv2DFused.describe(Conv2DFusedAttrs{base, false}));
}

TEST(Conv2D, SamePaddingIsKerass) {
  EXPECT_EQ(same_padding(5, 3, 1), Pads(1, 1));
  EXPECT_EQ(same_padding(5, 2, 1), Pads(0, 1));  // the odd pixel goes after
  EXPECT_EQ(same_padding(5, 3, 2), Pads(1, 1));
  EXPECT_EQ(same_padding(6, 3, 2), Pads(0, 1));
  EXPECT_EQ(same_padding(4, 1, 3), Pads(0, 0));
  EXPECT_EQ(same_padding(7, 3, 1, 2), Pads(2, 2));
  EXPECT_EQ(same_padding(kUnknown, 3, 1), Pads(1, 1));
  expect_error<InvalidArgument>([] { same_padding(kUnknown, 3, 2); }, {"'same'", "known"});
  for (std::int64_t size = 1; size < 12; ++size) {
    for (std::int64_t stride = 1; stride < 4; ++stride) {
      const auto [before, after] = same_padding(size, 3, stride);
      EXPECT_EQ((size + before + after - 3) / stride + 1, (size + stride - 1) / stride) << size << " " << stride;
    }
  }
}

TEST(Conv2D, PaddingIsAWord) {
  const Padding2D same = resolve_padding("same", {5, 6}, {3, 2}, {1, 1});
  EXPECT_EQ(same.before, (std::array<std::int64_t, 2>{1, 0}));
  EXPECT_EQ(same.after, (std::array<std::int64_t, 2>{1, 1}));
  EXPECT_EQ(resolve_padding("valid", {5, 6}, {3, 2}, {1, 1}).after, (std::array<std::int64_t, 2>{0, 0}));
  expect_error<InvalidArgument>(
      [] {
        resolve_padding("sane", {5, 6}, {3, 2}, {1, 1});
      },
      {"'sane'", "did you mean 'same'?"});
}

TEST(Pool2D, InfersTheOutputsSize) {
  const Value x = of({2, 9, 8, 4});
  EXPECT_EQ(ops::max_pool2d(x).shape(), (Shape{2, 4, 4, 4}));
  EXPECT_EQ(ops::average_pool2d(x, {.window = {3, 2}, .strides = {1, 3}}).shape(), (Shape{2, 7, 3, 4}));
  EXPECT_EQ(ops::max_pool2d(x, {.padding = {{0, 0}, {1, 0}}}).shape(), (Shape{2, 5, 4, 4}));
  EXPECT_EQ(ops::max_pool2d(of({kUnknown, 4, 4, 3})).shape(), (Shape{kUnknown, 2, 2, 3}));
}

TEST(Pool2D, NamesWhatDoesNotFit) {
  const Value x = of({2, 2, 2, 4});
  expect_error<InvalidArgument>(
      [&] {
        ops::max_pool2d(x, {.window = {3, 3}});
      },
      {"max_pool2d: the 3x3 window does not fit 2x2 input"});
  expect_error<InvalidArgument>([&] { ops::average_pool2d(x, {.window = {0, 1}}); }, {"the window", "[0, 1]"});
  expect_error<InvalidArgument>(
      [&] {
        ops::max_pool2d(x, {.padding = {{2, 0}, {0, 0}}});
      },
      {"smaller than the window"});
  expect_error<InvalidArgument>([&] { ops::max_pool2d(of({2, 2, 2, 4}, DType::int32)); }, {"int32"});
  expect_error<InvalidArgument>([&] { ops::max_pool2d(of({2, 2})); }, {"rank 4"});
  expect_error<InvalidArgument>(
      [&] {
        apply(kMaxPool2DGrad, Pool2DAttrs{}, {x, of({2, 1, 1, 4}), of({2, 1, 1, 3})});
      },
      {"max_pool2d_grad: y and dy", "(2, 1, 1, 3)"});
  expect_error<InvalidArgument>(
      [&] {
        apply(kAveragePool2DGrad, AveragePool2DGradAttrs{{}, {2, 4, 4, 1}}, {of({2, 1, 1, 1})});
      },
      {"average_pool2d_grad: dy", "(2, 2, 2, 1)"});
}

TEST(Pool2D, AttributesAreToldApart) {
  const Pool2DAttrs base;
  for (const Pool2DAttrs& other :
       std::vector<Pool2DAttrs>{{.window = {3, 2}}, {.strides = {1, 2}}, {.padding = {{1, 0}, {0, 0}}}}) {
    EXPECT_NE(kMaxPool2D.describe(base), kMaxPool2D.describe(other));
  }
  EXPECT_NE(kAveragePool2DGrad.describe(AveragePool2DGradAttrs{base, {1, 2, 2, 1}}),
            kAveragePool2DGrad.describe(AveragePool2DGradAttrs{base, {1, 2, 3, 1}}));
}

}  // namespace
}  // namespace keratin
