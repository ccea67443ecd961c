#include "keratin/core/tensor/errors.h"
#include "keratin/layers/layers.h"
#include "tests/support/check_layer.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::check_layer;
using testing::expect_error;

TEST(Pooling2D, DoesWhatLayersDo) {
  check_layer([] { return MaxPooling2D(); }, {{2, 4, 5, 2}},
              {.output = {2, 2, 2, 2}, .wrong = {2, 16, 2}, .wrong_says = "Put a Reshape({16, 2, 1}) before it."});
  check_layer(
      [] {
        return MaxPooling2D(3, {.strides = {1, 2}, .padding = "same"});
      },
      {{1, 4, 5, 2}}, {.output = {1, 4, 3, 2}});
  check_layer(
      [] {
        return AveragePooling2D({2, 3}, {.strides = 2, .padding = "same"});
      },
      {{1, 3, 4, 2}}, {.output = {1, 2, 2, 2}, .wrong = {1, 3}, .wrong_says = "rank 4 (n, h, w, c), got (1, 3)"});
}

TEST(GlobalPooling2D, DoesWhatLayersDo) {
  check_layer([] { return GlobalMaxPooling2D(); }, {{2, 3, 2, 4}},
              {.output = {2, 4}, .wrong = {2, 4}, .wrong_says = "rank 4"});
  check_layer([] { return GlobalAveragePooling2D({.keepdims = true}); }, {{2, 3, 2, 4}}, {.output = {2, 1, 1, 4}});
  EXPECT_EQ(GlobalAveragePooling2D()(Input({kUnknown, kUnknown, 3})).shape(), (Shape{kUnknown, 3}));
}

TEST(Pooling, OfOtherRanksDoesWhatLayersDo) {
  check_layer([] { return MaxPooling1D(3, {.strides = 2, .padding = "same"}); }, {{2, 5, 2}},
              {.output = {2, 3, 2}, .wrong = {2, 4, 4, 2}, .wrong_says = "rank 3 (n, steps, c)"});
  check_layer([] { return AveragePooling1D(2); }, {{2, 5, 2}}, {.output = {2, 2, 2}});
  check_layer(
      [] {
        return MaxPooling3D({1, 2, 2});
      },
      {{1, 2, 2, 5, 2}}, {.output = {1, 2, 1, 2, 2}, .wrong = {2, 4, 4, 2}, .wrong_says = "rank 5 (n, d, h, w, c)"});
  check_layer([] { return AveragePooling3D(2, {.strides = 1, .padding = "same"}); }, {{1, 2, 2, 3, 1}},
              {.output = {1, 2, 2, 3, 1}});
  check_layer([] { return GlobalAveragePooling1D(); }, {{2, 3, 4}}, {.output = {2, 4}});
  check_layer(
      [] {
        return AdaptiveAveragePooling2D({2, 3});
      },
      {{1, 3, 4, 2}}, {.output = {1, 2, 3, 2}, .wrong = {1, 3}, .wrong_says = "rank 4"});
  check_layer([] { return AdaptiveMaxPooling2D(2); }, {{1, 4, 3, 2}}, {.output = {1, 2, 2, 2}});
  expect_error<InvalidArgument>([] { AdaptiveMaxPooling2D({2, 0}); }, {"output_size must be positive, got {2, 0}"});
}

TEST(GlobalAveragePooling1D, TakesTheMeanOfTheStepsThatCount) {
  const Value x = Masking()(Tensor({1, 3, 2}, {1.0f, 2.0f, 0.0f, 0.0f, 3.0f, 6.0f}));
  EXPECT_EQ(GlobalAveragePooling1D()(x).tensor().to_vector<float>(), (std::vector<float>{2, 4}));
  // Layers on the way hand the mask on: without it the mean would be a third less.
  const Value between = ActivityRegularization()(GaussianNoise(0.5)(AlphaDropout(0.5)(SpatialDropout1D(0.5)(x))));
  const Value unit = GroupNormalization({.groups = 1, .center = false, .scale = false})(UnitNormalization()(between));
  EXPECT_EQ(GlobalAveragePooling1D()(Normalization()(between)).tensor().to_vector<float>(), (std::vector<float>{2, 4}));
  EXPECT_NE(GlobalAveragePooling1D()(unit).tensor().to_vector<float>(),
            GlobalAveragePooling1D()(unit * 1.0).tensor().to_vector<float>());
}

TEST(Pooling2D, TakesBytes) {
  const Tensor x({1, 1, 2, 1}, {std::uint8_t{200}, std::uint8_t{101}});
  EXPECT_EQ(Tensor(AveragePooling2D({1, 2})(x)).item(), 150.5);
  EXPECT_EQ(Tensor(MaxPooling2D({1, 2})(x)).item(), 200);
}

TEST(Pooling2D, RefusesNonsense) {
  expect_error<InvalidArgument>(
      [] {
        AveragePooling1D(2)(Input({1, 2}));
      },
      {"(AveragePooling1D): ", "the window of 2 does not fit an input of shape (None, 1, 2)"});
  expect_error<InvalidArgument>([] { MaxPooling2D(0); }, {"MaxPooling2D: pool_size must be positive, got {0, 0}"});
  expect_error<InvalidArgument>(
      [] {
        AveragePooling2D(2, {.strides = {1, -1}});
      },
      {"AveragePooling2D: strides must be positive"});
  expect_error<InvalidArgument>([] { MaxPooling2D(2, {.padding = "full"}); }, {"MaxPooling2D: padding", "got 'full'"});
  expect_error<InvalidArgument>(
      [] {
        MaxPooling2D(3)(Input({2, 2, 1}));
      },
      {"(MaxPooling2D): ", "3x3 window does not fit 2x2"});
}

}  // namespace
}  // namespace keratin
