#include <cmath>

#include "keratin/core/tensor/errors.h"
#include "keratin/layers/core/input.h"
#include "keratin/layers/normalization/batch_normalization.h"
#include "keratin/layers/normalization/layer_normalization.h"
#include "tests/support/check_layer.h"
#include "tests/support/expect_error.h"
#include "tests/support/layer_program.h"
#include "tests/support/modules.h"

namespace keratin {
namespace {

using testing::check_layer;
using testing::expect_error;
using testing::LayerProgram;

TEST(BatchNormalization, DoesWhatLayersDo) {
  check_layer([] { return BatchNormalization(); }, {{4, 3}},
              {.output = {4, 3},
               .weights = {"gamma (3,)", "beta (3,)"},
               .state = {"moving_mean (3,)", "moving_variance (3,)"},
               .phases_differ = true,
               .wrong = {4},
               .wrong_says = "rank 2 or more"});
  check_layer([] { return BatchNormalization({.axis = 1, .scale = false}); }, {{2, 3, 2, 2}},
              {.output = {2, 3, 2, 2},
               .weights = {"beta (3,)"},
               .state = {"moving_mean (3,)", "moving_variance (3,)"},
               .phases_differ = true,
               .wrong = {2, kUnknown, 2, 2},
               .wrong_says = "the number of features must be known"});
}

TEST(BatchNormalization, FrozenItUsesAndKeepsTheMovingStatistics) {
  if (!testing::have_modules()) GTEST_SKIP() << "a static build has no backend modules";
  BatchNormalization layer({.momentum = 0.5, .epsilon = 1.0});
  layer.build({kUnknown, 1});
  const Tensor x({2, 1}, {1.0, 5.0}), zero({2, 1}, {0.0, 0.0});
  const std::vector<Spec> specs = {{x.shape(), x.dtype()}};
  LayerProgram training(layer, specs, Phase::train, testing::reference_device());
  training.run({x}, zero);
  // Mean 3, biased variance 4; the moving ones began at 0 and 1.
  EXPECT_EQ(layer.variables()[2].value().item(), 1.5);
  EXPECT_EQ(layer.variables()[3].value().item(), 2.5);
  layer.set_trainable(false);
  LayerProgram frozen(layer, specs, Phase::train, testing::reference_device());
  const Tensor y = frozen.run({x}, zero).output;
  EXPECT_NEAR(y.at({0, 0}), (1 - 1.5) / std::sqrt(3.5), 1e-12);
  EXPECT_EQ(layer.variables()[2].value().item(), 1.5);
}

// Two calls in one step: the second one's update starts from the first one's.
TEST(BatchNormalization, UpdatesOfASharedLayerChain) {
  if (!testing::have_modules()) GTEST_SKIP() << "a static build has no backend modules";
  class Twice final : public LayerImpl {
   public:
    Twice() : LayerImpl("Twice", "") {}
    Value call(Value x, CallContext&) override { return norm_(norm_(x)); }
    BatchNormalization norm_ = add_child("norm", BatchNormalization({.momentum = 0.5, .center = false}));
  };
  Custom<Twice> twice;
  twice.build({kUnknown, 1});
  const Tensor x({2, 1}, {1.0, 5.0});
  LayerProgram program(twice, {{x.shape(), x.dtype()}}, Phase::train, testing::reference_device());
  program.run({x}, x);
  // First: 0.5·0 + 0.5·3 = 1.5. The first result has mean 0: then 0.5·1.5.
  EXPECT_NEAR(twice.variables()[1].value().item(), 0.75, 1e-7);
}

TEST(BatchNormalization, RefusesNonsense) {
  expect_error<InvalidArgument>([] { BatchNormalization({.epsilon = 0}); },
                                {"BatchNormalization: epsilon must be positive"});
  expect_error<InvalidArgument>([] { BatchNormalization({.momentum = 1.5}); },
                                {"momentum must lie between 0 and 1, got 1.5"});
  expect_error<InvalidArgument>([] { BatchNormalization({.axis = 3})(Input({4})); },
                                {"(BatchNormalization): axis 3 is out of"});
  BatchNormalization layer;
  layer(Input({4}));
  expect_error<InvalidArgument>([&] { layer(Input({5})); }, {"made for 4 features, got 5"});
  expect_error<InvalidArgument>(
      [&] {
        layer(Input({2, 4}));
      },
      {"it was built for inputs of shape (None, 4), got (None, 2, 4)"});
}

TEST(LayerNormalization, DoesWhatLayersDo) {
  check_layer([] { return LayerNormalization(); }, {{2, 3, 4}},
              {.output = {2, 3, 4},
               .weights = {"gamma (4,)", "beta (4,)"},
               .wrong = {2, 3, kUnknown},
               .wrong_says = "the number of elements on axis 2 must be known"});
  check_layer(
      [] {
        return LayerNormalization({.axis = {1, -1}, .center = false});
      },
      {{2, 3, 2, 2}},
      {.output = {2, 3, 2, 2}, .weights = {"gamma (3, 2)"}, .wrong = {2}, .wrong_says = "rank 2 or more"});
}

TEST(LayerNormalization, RefusesNonsense) {
  expect_error<InvalidArgument>([] { LayerNormalization({.epsilon = -1}); },
                                {"LayerNormalization: epsilon must be positive"});
  expect_error<InvalidArgument>(
      [] {
        LayerNormalization({.axis = {1, -1}})(Input({4}));
      },
      {"names the same axis twice"});
  LayerNormalization layer;
  layer(Input({4}));
  expect_error<InvalidArgument>([&] { layer(Input({5})); },
                                {"it was built for inputs of shape (None, 4), got (None, 5)"});
}

}  // namespace
}  // namespace keratin
