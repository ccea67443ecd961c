#include "keratin/layers/regularization/dropout.h"

#include "keratin/core/tensor/errors.h"
#include "tests/support/check_layer.h"
#include "tests/support/expect_error.h"
#include "tests/support/layer_program.h"
#include "tests/support/modules.h"

namespace keratin {
namespace {

using testing::check_layer;
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
  EXPECT_EQ(mask(Dropout(0.5, {.name = "a"})), mask(Dropout(0.5, {.name = "a"})));
  EXPECT_NE(mask(Dropout(0.5, {.name = "a"})), mask(Dropout(0.5, {.name = "b"})));
}

TEST_F(DropoutInTraining, OfRateOneLeavesNothing) {
  for (double x : mask(Dropout(1.0))) EXPECT_EQ(x, 0);
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
