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
using testing::CheckLayerOptions;
using testing::expect_error;
using testing::LayerProgram;

TEST(Dropout, DoesWhatLayersDo) {
  check_layer([] { return Dropout(0.5, {.seed = 1}); }, {{4, 8}},
              {.output = {4, 8}, .phases_differ = true, .random = true});
  check_layer([] { return Dropout(0.0); }, {{4, 8}}, {.output = {4, 8}});
  check_layer(
      [] {
        return Dropout(0.5, {.noise_shape = {-1, 1}, .seed = 2});
      },
      {{8, 4}}, {.output = {8, 4}, .phases_differ = true, .random = true});
}

TEST(Noise, DoesWhatLayersDo) {
  const CheckLayerOptions random = {.output = {4, 8}, .phases_differ = true, .random = true};
  check_layer([] { return GaussianNoise(0.5, {.seed = 1}); }, {{4, 8}}, random);
  check_layer([] { return GaussianDropout(0.5, {.seed = 1}); }, {{4, 8}}, random);
  check_layer([] { return AlphaDropout(0.5, {.seed = 1}); }, {{4, 8}}, random);
  check_layer([] { return AlphaDropout(0.5, {.noise_shape = {-1, 1}, .seed = 2}); }, {{4, 8}}, random);
  check_layer([] { return SpatialDropout1D(0.5, {.seed = 2}); }, {{2, 3, 4}},
              {.output = {2, 3, 4}, .phases_differ = true, .random = true, .wrong = {2}, .wrong_says = "rank 3"});
  check_layer([] { return ActivityRegularization({.l2 = 0.5}); }, {{4, 8}}, {.output = {4, 8}});
  expect_error<InvalidArgument>([] { GaussianNoise(-1); }, {"GaussianNoise: stddev must lie between 0 and 1, got -1"});
  expect_error<InvalidArgument>([] { GaussianDropout(1); }, {"rate must be at least 0 and below 1, got 1"});
  expect_error<InvalidArgument>([] { AlphaDropout(1); }, {"AlphaDropout: rate must be at least 0 and below 1"});
  expect_error<InvalidArgument>([] { SpatialDropout2D(2); }, {"SpatialDropout2D: rate must lie between 0 and 1"});
}

TEST(StochasticDepth, DropsWholeSamplesInTraining) {
  check_layer([] { return StochasticDepth(0.5); }, {{16, 2, 3}},
              {.output = {16, 2, 3}, .phases_differ = true, .random = true});
  expect_error<InvalidArgument>([] { StochasticDepth(2); },
                                {"StochasticDepth: drop_path_rate must lie between 0 and 1"});
  expect_error<InvalidArgument>([] { LayerScale(0.1, 3)(Input({4})); }, {"LayerScale", "3 channels, got 4"});
  if (!testing::have_modules()) GTEST_SKIP() << "a static build has no backend modules";
  const Tensor ones = Tensor::full({400, 3, 2}, 1, DType::float64);
  LayerProgram program(StochasticDepth(0.25), {{ones.shape(), DType::float64}}, Phase::train,
                       testing::reference_device());
  const auto y = program.run({ones}, ones).output.to_vector<double>();
  int kept = 0;
  for (std::size_t row = 0; row < 400; ++row) {
    for (std::size_t i = 1; i < 6; ++i) ASSERT_EQ(y[row * 6 + i], y[row * 6]);
    if (y[row * 6] == 0) continue;
    EXPECT_DOUBLE_EQ(y[row * 6], 1 / 0.75);
    ++kept;
  }
  EXPECT_NEAR(kept, 300, 45);
}

class DropoutInTraining : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::have_modules()) GTEST_SKIP() << "a static build has no backend modules";
  }
  std::vector<double> mask(const Layer& layer, std::int64_t step = 0) {
    LayerProgram program(layer, {{ones_.shape(), DType::float64}}, Phase::train, testing::reference_device());
    program.set_step(step);
    const testing::LayerResult result = program.run({ones_}, ones_);
    // y = mask * x: the gradient is the same mask.
    EXPECT_EQ(result.input_gradients[0].to_vector<double>(), result.output.to_vector<double>());
    return result.output.to_vector<double>();
  }
  const Tensor ones_ = Tensor::full({100, 100}, 1, DType::float64);
};

TEST_F(DropoutInTraining, KeepsTheMean) {
  double sum = 0;
  int zeros = 0;
  for (double x : mask(Dropout(0.25, {.seed = 5}))) {
    EXPECT_TRUE(x == 0 || std::abs(x - 1 / 0.75) < 1e-12) << x;
    zeros += x == 0 ? 1 : 0;
    sum += x;
  }
  // Standard deviations: 43 zeros, 0.0058 of the mean.
  EXPECT_NEAR(zeros, 2500, 200);
  EXPECT_NEAR(sum / 1e4, 1, 0.03);
}

TEST_F(DropoutInTraining, DependsOnSeedAndStepOnly) {
  const auto first = mask(Dropout(0.5, {.seed = 5}));
  EXPECT_EQ(mask(Dropout(0.5, {.seed = 5})), first);
  EXPECT_NE(mask(Dropout(0.5, {.seed = 6})), first);
  EXPECT_NE(mask(Dropout(0.5, {.seed = 5}), 1), first);
  // Not on its name, which is numbered when it is not given.
  EXPECT_EQ(mask(Dropout(0.5)), mask(Dropout(0.5)));
  EXPECT_EQ(mask(Dropout(0.5, {.name = "a"})), mask(Dropout(0.5, {.name = "b"})));
}

TEST_F(DropoutInTraining, OfRateOneLeavesNothing) {
  for (double x : mask(Dropout(1.0))) EXPECT_EQ(x, 0);
}

// Of 10,000 numbers: the mean's standard deviation is about a hundredth of one number's.
TEST_F(DropoutInTraining, NoiseHasItsMeanAndDeviation) {
  const auto moments = [&](const Layer& layer, const Tensor& x) {
    LayerProgram program(layer, {{x.shape(), x.dtype()}}, Phase::train, testing::reference_device());
    double sum = 0, squares = 0;
    for (double y : program.run({x}, x).output.to_vector<double>()) {
      sum += y / 1e4;
      squares += y * y / 1e4;
    }
    return std::pair(sum, std::sqrt(squares - sum * sum));
  };
  const auto noise = moments(GaussianNoise(0.5, {.seed = 3}), ones_);
  EXPECT_NEAR(noise.first, 1, 0.025);
  EXPECT_NEAR(noise.second, 0.5, 0.025);
  const auto dropout = moments(GaussianDropout(0.2, {.seed = 3}), ones_);
  EXPECT_NEAR(dropout.first, 1, 0.025);
  EXPECT_NEAR(dropout.second, 0.5, 0.025);
  Tensor normal({100, 100}, DType::float64);  // mean 0, variance 1
  for (std::size_t i = 0; i < 10000; ++i) normal.values<double>()[i] = i % 2 == 0 ? 1 : -1;
  const auto alpha = moments(AlphaDropout(0.3, {.seed = 3}), normal);
  EXPECT_NEAR(alpha.first, 0, 0.05);
  EXPECT_NEAR(alpha.second, 1, 0.05);
}

TEST_F(DropoutInTraining, SpatialDropoutDropsChannels) {
  const Tensor x = Tensor::full({20, 5, 50}, 1, DType::float64);
  LayerProgram program(SpatialDropout1D(0.5, {.seed = 3}), {{x.shape(), x.dtype()}}, Phase::train,
                       testing::reference_device());
  const std::vector<double> y = program.run({x}, x).output.to_vector<double>();
  int kept = 0;
  for (std::size_t sample = 0; sample < 20; ++sample) {
    for (std::size_t channel = 0; channel < 50; ++channel) {
      const double first = y[sample * 250 + channel];
      EXPECT_TRUE(first == 0 || first == 2) << first;
      kept += first > 0 ? 1 : 0;
      for (std::size_t step = 1; step < 5; ++step) EXPECT_EQ(y[sample * 250 + step * 50 + channel], first);
    }
  }
  EXPECT_NEAR(kept, 500, 80);
}

TEST_F(DropoutInTraining, NoiseShapeIsBroadcast) {
  const auto values = mask(Dropout(0.5, {.noise_shape = {1, -1}, .seed = 5}));
  int kept = 0;
  for (std::size_t column = 0; column < 100; ++column) {
    kept += values[column] > 0 ? 1 : 0;
    EXPECT_TRUE(values[column] == 0 || values[column] == 2) << values[column];
    for (std::size_t row = 1; row < 100; ++row) EXPECT_EQ(values[row * 100 + column], values[column]);
  }
  EXPECT_NEAR(kept, 50, 20);
}

TEST(Dropout, RefusesNonsense) {
  expect_error<InvalidArgument>([] { Dropout(1.5); }, {"Dropout: rate must lie between 0 and 1, got 1.5"});
  expect_error<InvalidArgument>(
      [] {
        Dropout(0.5, {.noise_shape = {2, 1}, .name = "d"})(Value(Tensor({3, 4})));
      },
      {"d (Dropout)", "noise_shape (2, 1)", "(3, 4)"});
  expect_error<InvalidArgument>([] { Dropout(-0.1); }, {"Dropout: rate"});
}

}  // namespace
}  // namespace keratin
