#include "keratin/core/tensor/errors.h"
#include "keratin/layers/core/input.h"
#include "keratin/layers/merging/add.h"
#include "keratin/layers/merging/average.h"
#include "keratin/layers/merging/concatenate.h"
#include "keratin/layers/merging/dot.h"
#include "keratin/layers/merging/maximum.h"
#include "keratin/layers/merging/minimum.h"
#include "keratin/layers/merging/multiply.h"
#include "keratin/layers/merging/subtract.h"
#include "tests/support/check_layer.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::check_layer;
using testing::expect_error;

TEST(MergeLayers, DoWhatLayersDo) {
  check_layer([] { return Add(); }, {{2, 3, 2}, {2, 3, 2}, {2, 2}}, {.output = {2, 3, 2}});
  check_layer([] { return Subtract(); }, {{2, 3}, {2, 1}}, {.output = {2, 3}});
  check_layer([] { return Multiply(); }, {{2, 3}, {2, 3}, {2, 3}}, {.output = {2, 3}});
  check_layer([] { return Average(); }, {{2, 3}, {2, 3}, {2, 3}}, {.output = {2, 3}});
  check_layer([] { return Maximum(); }, {{2, 3}, {2, 3}}, {.output = {2, 3}});
  check_layer([] { return Minimum(); }, {{2, 3}, {2, 3}}, {.output = {2, 3}});
  check_layer([] { return Concatenate({.axis = 1}); }, {{2, 3, 2}, {2, 1, 2}}, {.output = {2, 4, 2}});
  check_layer([] { return Dot({2, 1}, {.normalize = true}); }, {{2, 2, 3}, {2, 3, 2}}, {.output = {2, 2, 2}});
}

TEST(MergeLayers, ComputeOnTensors) {
  const Tensor a({1, 2}, {1.0f, 2.0f}), b({1, 2}, {3.0f, 8.0f});
  EXPECT_EQ(Tensor(Add()({a, b})).to_vector<float>(), (std::vector<float>{4, 10}));
  EXPECT_EQ(Tensor(Dot(1)({a, b})).to_vector<float>(), (std::vector<float>{19}));
  EXPECT_EQ(Tensor(Concatenate()({a, b})).shape(), (Shape{1, 4}));
}

TEST(MergeLayers, SayWhatDoesNotFit) {
  const Input a({3}), b({4}), images({2, 2, 4});
  expect_error<InvalidArgument>(
      [&] {
        Add()({a, b});
      },
      {"(Add): the shapes of its inputs do not fit together: (None, 3), (None, 4)"});
  expect_error<InvalidArgument>([&] { Subtract()({a, a, a}); }, {"(Subtract): expected 2 inputs, got 3"});
  expect_error<InvalidArgument>([&] { Add()(Values{}); }, {"at least one input"});
  expect_error<InvalidArgument>(
      [&] {
        Concatenate({.axis = 1})({b, images});
      },
      {"(None, 4) and (None, 2, 2, 4) cannot be joined on axis 1"});
  expect_error<InvalidArgument>([&] { Concatenate({.axis = 2})({a, b}); }, {"axis 2 is out of range"});
  expect_error<InvalidArgument>([&] { Dot(1)({a, b}); }, {"equal sizes on axes 1 and 1"});
  expect_error<InvalidArgument>([&] { Dot(0)({a, a}); }, {"the batch axis 0"});
  expect_error<InvalidArgument>([] { Dot({1, 2, 3}); }, {"Dot: axes must be one axis or two, got 3"});
  EXPECT_EQ(Add()({b, images}).shape(), (Shape{kUnknown, 2, 2, 4}));
}

}  // namespace
}  // namespace keratin
