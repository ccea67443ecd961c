#include "keratin/core/tensor/errors.h"
#include "keratin/layers/layers.h"
#include "tests/support/check_layer.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::check_layer;
using testing::expect_error;

TEST(Flatten, DoesWhatLayersDo) {
  check_layer([] { return Flatten(); }, {{2, 3, 4, 2}},
              {.output = {2, 24}, .wrong = {}, .wrong_says = "rank 1 or more (n, ...), got ()"});
  check_layer([] { return Flatten(); }, {{3}}, {.output = {3, 1}});
  EXPECT_EQ(Flatten()(Input({kUnknown, 3})).shape(), (Shape{kUnknown, kUnknown}));
}

TEST(Flatten, KeepsTheDtype) { EXPECT_EQ(Flatten()(Input({2, 2}, {.dtype = DType::uint8})).dtype(), DType::uint8); }

TEST(Reshape, DoesWhatLayersDo) {
  check_layer(
      [] {
        return Reshape({3, 2, 1});
      },
      {{2, 6}},
      {.output = {2, 3, 2, 1},
       .wrong = {2, 7},
       .wrong_says = "cannot reshape (2, 7) to (n, 3, 2, 1); the number of elements of a sample must agree"});
  check_layer([] { return Reshape({-1, 4}); }, {{2, 3, 2, 2}}, {.output = {2, 3, 4}});
}

TEST(Reshape, WorksOnUnknownSizesWhereItCan) {
  EXPECT_EQ(Reshape({-1, 6})(Input({kUnknown, kUnknown, 6})).shape(), (Shape{kUnknown, kUnknown, 6}));
  expect_error<InvalidArgument>(
      [] {
        Reshape({4, 6})(Input({kUnknown, 6}));
      },
      {"cannot reshape (None, None, 6) to (n, 4, 6)", "give the Input sizes that are known"});
}

TEST(Reshape, RefusesNonsense) {
  expect_error<InvalidArgument>([] { Reshape({-1, -1}); }, {"Reshape: sizes must be positive", "got (-1, -1)"});
  expect_error<InvalidArgument>([] { Reshape({3, 0}); }, {"Reshape: sizes must be positive"});
  expect_error<InvalidArgument>([] { Reshape({-2}); }, {"Reshape: sizes must be positive"});
}

TEST(Permute, DoesWhatLayersDo) {
  check_layer(
      [] {
        return Permute({2, 3, 1});
      },
      {{2, 3, 4, 2}}, {.output = {2, 4, 2, 3}, .wrong = {2, 3, 4}, .wrong_says = "expected an input of rank 4"});
  expect_error<InvalidArgument>(
      [] {
        Permute({0, 1});
      },
      {"Permute: dims must hold each of 1, 2, ..., 2 once, got [0, 1]"});
  expect_error<InvalidArgument>([] { Permute({1, 3}); }, {"Permute: dims"});
}

TEST(RepeatVector, DoesWhatLayersDo) {
  check_layer(
      [] { return RepeatVector(3); }, {{2, 4}},
      {.output = {2, 3, 4}, .wrong = {2, 4, 1}, .wrong_says = "rank 2 (n, features), got (2, 4, 1). Put a Flatten()"});
  expect_error<InvalidArgument>([] { RepeatVector(0); }, {"RepeatVector: n must be positive, got 0"});
}

TEST(ZeroPadding2D, DoesWhatLayersDo) {
  check_layer(
      [] {
        return ZeroPadding2D({{1, 0}, {2, 3}});
      },
      {{1, 2, 3, 2}}, {.output = {1, 3, 8, 2}, .wrong = {1, 2}, .wrong_says = "rank 4"});
  EXPECT_EQ(ZeroPadding2D({1, 2})(Input({3, 3, 1})).shape(), (Shape{kUnknown, 5, 7, 1}));
  expect_error<InvalidArgument>(
      [] {
        ZeroPadding2D({1, -1});
      },
      {"ZeroPadding2D: padding must not be negative, got -1"});
}

TEST(Cropping2D, DoesWhatLayersDo) {
  check_layer(
      [] {
        return Cropping2D({{1, 0}, {0, 2}});
      },
      {{1, 3, 4, 2}},
      {.output = {1, 2, 2, 2}, .wrong = {1, 3, 2, 2}, .wrong_says = "cropping 1 rows and 2 columns leaves nothing"});
  EXPECT_EQ(Cropping2D(1)(Input({kUnknown, 5, 1})).shape(), (Shape{kUnknown, kUnknown, 3, 1}));
  expect_error<InvalidArgument>([] { Cropping2D(-1); }, {"Cropping2D: cropping must not be negative"});
}

TEST(Borders, OfSequencesAndVolumes) {
  check_layer(
      [] {
        return ZeroPadding1D({1, 2});
      },
      {{2, 3, 2}}, {.output = {2, 6, 2}, .wrong = {2, 3}, .wrong_says = "Put a Reshape({3, 1}) before it."});
  check_layer(
      [] {
        return Cropping1D({1, 0});
      },
      {{2, 3, 2}}, {.output = {2, 2, 2}, .wrong = {2, 1, 2}, .wrong_says = "cropping 1 steps leaves nothing"});
  check_layer([] { return UpSampling1D(3); }, {{2, 2, 2}}, {.output = {2, 6, 2}});
  check_layer([] { return ZeroPadding3D({0, 1, 2}); }, {{1, 1, 2, 1, 2}}, {.output = {1, 1, 4, 5, 2}});
  check_layer(
      [] {
        return Cropping3D({{1, 0}, {0, 1}, {0, 0}});
      },
      {{1, 2, 2, 2, 1}},
      {.output = {1, 1, 1, 2, 1},
       .wrong = {1, 2, 1, 2, 1},
       .wrong_says = "cropping 1 planes, 1 rows and 0 columns leaves nothing"});
  check_layer([] { return UpSampling3D({1, 2, 1}); }, {{1, 2, 1, 2, 1}}, {.output = {1, 2, 2, 2, 1}});
  expect_error<InvalidArgument>([] { Cropping1D(-1); }, {"Cropping1D: cropping must not be negative, got -1"});
}

TEST(UpSampling2D, DoesWhatLayersDo) {
  check_layer(
      [] {
        return UpSampling2D({2, 3});
      },
      {{2, 2, 3, 2}}, {.output = {2, 4, 9, 2}, .wrong = {2, 3}, .wrong_says = "rank 4"});
  check_layer(
      [] {
        return UpSampling2D({3, 2}, {.interpolation = "bilinear"});
      },
      {{2, 2, 3, 2}}, {.output = {2, 6, 6, 2}});
  EXPECT_EQ(UpSampling2D()(Input({kUnknown, kUnknown, 3})).shape(), (Shape{kUnknown, kUnknown, kUnknown, 3}));
  expect_error<InvalidArgument>([] { UpSampling2D(0); }, {"UpSampling2D: size must be positive"});
  expect_error<InvalidArgument>([] { UpSampling2D(2, {.interpolation = "bilinaer"}); }, {"'bilinear'?"});
}

// Between the pixels 0 and 12, doubled: outside the centres the pixel itself, between them quarters of the way.
TEST(UpSampling2D, InterpolatesBetweenPixelCentres) {
  const Tensor x({1, 1, 2, 1}, {0.0f, 12.0f});
  const Tensor y = UpSampling2D({1, 2}, {.interpolation = "bilinear"})(x);
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{0, 3, 9, 12}));
}

}  // namespace
}  // namespace keratin
