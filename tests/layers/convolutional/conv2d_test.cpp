#include "keratin/layers/convolutional/conv2d.h"

#include "keratin/core/tensor/errors.h"
#include "keratin/layers/core/input.h"
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
  conv(Input({8, 8, 4}));
  expect_error<InvalidArgument>([&] { conv(Input({8, 8, 6})); }, {where, "made for 4 channels, got 6"});
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
