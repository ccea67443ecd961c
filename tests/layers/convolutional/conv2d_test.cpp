#include "keratin/layers/convolutional/conv2d.h"

#include "keratin/core/tensor/errors.h"
#include "keratin/layers/core/input.h"
#include "keratin/layers/layers.h"
#include "tests/support/check_layer.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::check_layer;
using testing::expect_error;

TEST(Conv2D, DoesWhatLayersDo) {
  check_layer(
      [] {
        return Conv2D(3, {3, 2}, {.strides = {2, 1}, .padding = "same", .activation = "sigmoid"});
      },
      {{2, 5, 4, 2}},
      {.output = {2, 3, 4, 3},
       .weights = {"kernel (3, 2, 2, 3)", "bias (3,)"},
       .wrong = {32, 784},
       .wrong_says = "expected an input of rank 4 (n, h, w, c), got (32, 784). Put a Reshape({28, 28, 1}) "
                     "before it."});
  check_layer([] { return Conv2D(4, 2, {.dilation_rate = 2, .groups = 2, .use_bias = false}); }, {{1, 5, 4, 2}},
              {.output = {1, 3, 2, 4},
               .weights = {"kernel (2, 2, 1, 4)"},
               .wrong = {1, 5, 4, kUnknown},
               .wrong_says = "the number of channels must be known"});
}

TEST(Conv2D, TakesImagesOfUnknownSize) {
  EXPECT_EQ(Conv2D(8, 3)(Input({kUnknown, kUnknown, 3})).shape(), (Shape{kUnknown, kUnknown, kUnknown, 8}));
  EXPECT_EQ(Conv2D(8, 3, {.strides = 2, .padding = "same"})(Input({kUnknown, 7, 3})).shape(),
            (Shape{kUnknown, kUnknown, 4, 8}));
}

TEST(Conv2D, SaysWhatDoesNotFit) {
  const Layer conv = Conv2D(4, 3, {.groups = 2});
  const std::string where = conv.name() + " (Conv2D): ";
  expect_error<InvalidArgument>([&] { conv(Input({28, 28})); }, {where, "Put a Reshape({28, 28, 1}) before it."});
  expect_error<InvalidArgument>(
      [&] {
        conv(Input({8, 8, 3}));
      },
      {where, "groups must divide the channels", "groups 2"});
  expect_error<InvalidArgument>([&] { conv(Input({2, 8, 4})); }, {where, "the 3x3 window does not fit 2x8 input"});
  conv(Input({8, 8, 6}));  // nothing is left of the input that was refused
  expect_error<InvalidArgument>([&] { conv(Input({8, 8, 4})); }, {where, "made for 6 channels, got 4"});
}

// The other convolutions, one of each: what they compute is in the goldens.
TEST(Convolutions, DoWhatLayersDo) {
  check_layer([] { return Conv1D(6, 2, {.padding = "causal", .groups = 2}); }, {{2, 4, 4}},
              {.output = {2, 4, 6},
               .weights = {"kernel (2, 2, 6)", "bias (6,)"},
               .wrong = {2, 784},
               .wrong_says = "expected an input of rank 3 (n, steps, c), got (2, 784). Put a Reshape({784, 1})"});
  check_layer([] { return Conv1DTranspose(2, 3, {.strides = 2, .activation = "sigmoid"}); }, {{2, 3, 2}},
              {.output = {2, 7, 2}, .weights = {"kernel (3, 2, 2)", "bias (2,)"}});
  check_layer(
      [] {
        return Conv2DTranspose(3, {3, 2}, {.strides = {2, 1}, .padding = "same", .output_padding = {{1, 0}}});
      },
      {{2, 2, 3, 2}},
      {.output = {2, 4, 2, 3},
       .weights = {"kernel (3, 2, 3, 2)", "bias (3,)"},
       .wrong = {2, 5, 5, kUnknown},
       .wrong_says = "the number of channels must be known"});
  check_layer(
      [] {
        return Conv3D(2, {2, 2, 1}, {.strides = {2, 1, 1}, .groups = 2});
      },
      {{1, 3, 2, 2, 2}}, {.output = {1, 1, 1, 2, 2}, .weights = {"kernel (2, 2, 1, 1, 2)", "bias (2,)"}});
  check_layer([] { return DepthwiseConv1D(2, {.use_bias = false}); }, {{2, 4, 3}},
              {.output = {2, 3, 3}, .weights = {"kernel (2, 3, 1)"}});
  check_layer([] { return DepthwiseConv2D(2, {.strides = 2, .padding = "same", .depth_multiplier = 2}); },
              {{2, 3, 3, 2}}, {.output = {2, 2, 2, 4}, .weights = {"kernel (2, 2, 2, 2)", "bias (4,)"}});
  check_layer(
      [] { return SeparableConv1D(3, 2); }, {{2, 4, 2}},
      {.output = {2, 3, 3}, .weights = {"depthwise_kernel (2, 2, 1)", "pointwise_kernel (1, 2, 3)", "bias (3,)"}});
  check_layer([] { return SeparableConv2D(3, 2, {.depth_multiplier = 2}); }, {{1, 3, 3, 2}},
              {.output = {1, 2, 2, 3},
               .weights = {"depthwise_kernel (2, 2, 2, 2)", "pointwise_kernel (1, 1, 4, 3)", "bias (3,)"}});
}

TEST(Convolutions, TakeInputsOfUnknownSize) {
  const Value steps = Input({kUnknown, 4}), images = Input({kUnknown, kUnknown, 4});
  EXPECT_EQ(Conv1D(8, 3, {.padding = "causal"})(steps).shape(), (Shape{kUnknown, kUnknown, 8}));
  EXPECT_EQ(Conv1DTranspose(8, 3, {.strides = 2})(steps).shape(), (Shape{kUnknown, kUnknown, 8}));
  EXPECT_EQ(Conv2DTranspose(8, 3, {.padding = "same"})(images).shape(), (Shape{kUnknown, kUnknown, kUnknown, 8}));
  EXPECT_EQ(SeparableConv2D(8, 3)(images).shape(), (Shape{kUnknown, kUnknown, kUnknown, 8}));
  EXPECT_EQ(MaxPooling1D()(steps).shape(), (Shape{kUnknown, kUnknown, 4}));
  EXPECT_EQ(AdaptiveMaxPooling2D(2)(images).shape(), (Shape{kUnknown, 2, 2, 4}));
}

TEST(Convolutions, RefuseNonsense) {
  expect_error<InvalidArgument>(
      [] {
        Conv3D(2, {2, 2, 1})(Input({1, 2, 2, 2}));
      },
      {"(Conv3D): ", "the window of {2, 2, 1} does not fit an input of shape (None, 1, 2, 2, 2)"});
  expect_error<InvalidArgument>(
      [] {
        DepthwiseConv1D(2)(Input({1, 3}));
      },
      {"the window of 2 does not fit an input of shape (None, 1, 3); use a smaller one, or padding 'same'"});
  expect_error<InvalidArgument>([] { Conv1D(4, 0); }, {"Conv1D: kernel_size must be positive, got 0"});
  expect_error<InvalidArgument>([] { Conv1D(4, 3, {.padding = "casual"}); },
                                {"'valid', 'same' or 'causal', got 'casual'", "'causal'?"});
  expect_error<InvalidArgument>([] { DepthwiseConv1D(3, {.padding = "causal"}); },
                                {"DepthwiseConv1D: padding must be 'valid' or 'same', got 'causal'"});
  expect_error<InvalidArgument>([] { SeparableConv2D(4, 3, {.depth_multiplier = 0}); },
                                {"SeparableConv2D: depth_multiplier must be positive, got 0"});
  expect_error<InvalidArgument>([] { Conv2DTranspose(4, 3, {.strides = 2, .output_padding = 2}); },
                                {"output_padding", "smaller than strides, got {2, 2} with strides {2, 2}"});
  expect_error<InvalidArgument>([] { Conv1DTranspose(4, 3, {.strides = 2, .dilation_rate = 2}); },
                                {"Conv1DTranspose: strides and dilation_rate cannot both differ from 1"});
  expect_error<InvalidArgument>(
      [] {
        Conv1DTranspose(4, 2, {.strides = 2, .padding = "same", .output_padding = 0})(Input({1, 3}));
      },
      {"(Conv1DTranspose): ", "nothing is left of the output for an input of 1 pixel on axis 1"});
}

TEST(Conv2D, RefusesNonsense) {
  expect_error<InvalidArgument>([] { Conv2D(0, 3); }, {"Conv2D: filters must be positive, got 0"});
  expect_error<InvalidArgument>([] { Conv2D(4, {3, 0}); }, {"Conv2D: kernel_size must be positive, got {3, 0}"});
  expect_error<InvalidArgument>([] { Conv2D(4, 3, {.strides = 0}); }, {"Conv2D: strides must be positive"});
  expect_error<InvalidArgument>([] { Conv2D(4, 3, {.padding = "sane"}); },
                                {"'valid' or 'same', got 'sane'", "'same'?"});
  expect_error<InvalidArgument>([] { Conv2D(4, 3, {.dilation_rate = {1, 0}}); }, {"Conv2D: dilation_rate must be"});
  expect_error<InvalidArgument>([] { Conv2D(4, 3, {.groups = 3}); }, {"groups must divide filters", "groups 3"});
  expect_error<InvalidArgument>([] { Conv2D(4, 3, {.strides = 2, .dilation_rate = 2}); },
                                {"strides and dilation_rate cannot both differ from 1"});
}

}  // namespace
}  // namespace keratin
