#include <cmath>

#include "keratin/core/tensor/errors.h"
#include "keratin/layers/layers.h"
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

TEST(GroupNormalization, DoesWhatLayersDo) {
  check_layer([] { return GroupNormalization({.groups = 2}); }, {{2, 3, 4}},
              {.output = {2, 3, 4},
               .weights = {"gamma (4,)", "beta (4,)"},
               .wrong = {2, 3, 5},
               .wrong_says = "groups must divide the features, got groups 2 and an input of shape (2, 3, 5)"});
  check_layer([] { return GroupNormalization({.groups = -1, .axis = 1, .scale = false}); }, {{2, 2, 3}},
              {.output = {2, 2, 3}, .weights = {"beta (2,)"}});
  expect_error<InvalidArgument>([] { GroupNormalization({.groups = 0}); }, {"groups must be positive, got 0"});
  expect_error<InvalidArgument>([] { GroupNormalization({.groups = 1, .axis = 0})(Input({4})); },
                                {"axis 0 is the batch"});
}

TEST(RMSAndUnitNormalization, DoWhatLayersDo) {
  check_layer(
      [] {
        return RMSNormalization({.axis = {1, 2}});
      },
      {{2, 3, 2}}, {.output = {2, 3, 2}, .weights = {"scale (3, 2)"}, .wrong = {2}, .wrong_says = "rank 2 or more"});
  check_layer([] { return UnitNormalization({.axis = 1}); }, {{2, 3, 2}},
              {.output = {2, 3, 2}, .wrong = {2}, .wrong_says = "axis 1 is out of range"});
  EXPECT_EQ(Tensor(UnitNormalization()(Tensor({1, 2}))).to_vector<float>(), (std::vector<float>{0, 0}));
}

TEST(Normalization, DoesWhatLayersDo) {
  check_layer([] { return Normalization(); }, {{2, 3, 2}},
              {.output = {2, 3, 2},
               .state = {"mean (2,)", "variance (2,)", "count ()"},
               .wrong = {2, 3, kUnknown},
               .wrong_says = "the number of elements on axis 2 must be known"});
  check_layer(
      [] { return Normalization({.mean = Tensor::scalar(2.0f), .variance = Tensor::scalar(4.0f), .invert = true}); },
      {{2, 3}}, {.output = {2, 3}});
}

// As Model::get_layer would give it.
Layer other_handle(const Layer& layer) { return layer; }

TEST(Normalization, AdaptsToData) {
  Tensor data({3000, 2});  // two pieces of rows
  const std::span<float> values = data.values<float>();
  for (std::size_t i = 0; i < 3000; ++i) {
    values[2 * i] = static_cast<float>(i % 3) - 1;
    values[2 * i + 1] = 7;
  }
  Normalization layer, by_dataset, by_batches;
  layer.adapt(data);
  const Tensor y = layer(data);
  const double root = std::sqrt(2.0 / 3);
  EXPECT_NEAR(y.at({0, 0}), -1 / root, 1e-6);
  EXPECT_NEAR(y.at({5, 0}), 1 / root, 1e-6);
  EXPECT_EQ(y.at({5, 1}), 0);  // no variance, and no division by 0
  by_dataset.adapt(Dataset(data, data));
  by_batches.adapt(Dataset::from_generator([&] {
    return [&, row = std::int64_t{0}](Batch& batch) mutable {
      if (row >= 3000) return false;
      const std::int64_t next = std::min<std::int64_t>(3000, row + 700);
      batch.x = data.rows(row, next);
      row = next;
      return true;
    };
  }));
  for (const Normalization& other : {by_dataset, by_batches}) {
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::int64_t feature = 0; feature < 2; ++feature) {
        EXPECT_NEAR(other.variables()[i].value().at({feature}), layer.variables()[i].value().at({feature}), 1e-6);
      }
    }
  }
  const Layer found = other_handle(by_batches);
  Normalization(found).adapt(Tensor({2, 2}, {1.0f, 0.0f, 3.0f, 0.0f}));
  EXPECT_EQ(by_batches.variables()[0].value().at({0}), 2);
  expect_error<InvalidArgument>([] { Normalization(Layer(Dense(2))); }, {"(Dense): expected a Normalization"});
  Normalization all({.axis = {}});
  all.adapt(Tensor({2, 2}, {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}, std::uint8_t{6}}));
  EXPECT_EQ(all.variables()[0].value().item(), 3);
  EXPECT_EQ(all.variables()[1].value().item(), 3.5);
}

TEST(Normalization, RefusesNonsense) {
  expect_error<InvalidArgument>([] { Normalization({.mean = Tensor::scalar(1.0f)}); },
                                {"mean and variance must be given together", "no variance"});
  expect_error<InvalidArgument>([] { Normalization({.axis = {}, .mean = Tensor({2}), .variance = Tensor({2})}); },
                                {"mean has the shape (2,), but axis names only 0 axes"});
  const Normalization given({.mean = Tensor({2}), .variance = Tensor({2})});
  expect_error<InvalidArgument>([&] { given(Input({3})); }, {"its mean has the shape (2,)", "(None, 3)"});
  expect_error<InvalidArgument>(
      [&] {
        Normalization(given).adapt(Tensor({4, 2}));
      },
      {"(Normalization): adapt: mean and variance were given"});
  Normalization layer;
  expect_error<InvalidArgument>([&] { layer.adapt(Tensor({0, 2})); }, {"(Normalization): adapt: there is no data"});
  layer.adapt(Tensor({4, 2}));
  expect_error<InvalidArgument>(
      [&] {
        layer.adapt(Tensor({4, 3}));
      },
      {"it was built for inputs of shape (None, 2), got (None, 3)"});
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
