#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/activations/activation.h"
#include "keratin/layers/activations/elu.h"
#include "keratin/layers/activations/leaky_relu.h"
#include "keratin/layers/activations/prelu.h"
#include "keratin/layers/activations/relu.h"
#include "keratin/layers/activations/softmax.h"
#include "keratin/layers/core/input.h"
#include "keratin/layers/preprocessing/rescaling.h"
#include "tests/support/check_layer.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::check_layer;
using testing::expect_error;

TEST(ActivationLayers, DoWhatLayersDo) {
  check_layer([] { return Activation("gelu"); }, {{2, 3}}, {.output = {2, 3}});
  check_layer([] { return ReLU({.max_value = 0.9, .negative_slope = 0.1, .threshold = 0.25}); }, {{3, 4}},
              {.output = {3, 4}});
  check_layer([] { return LeakyReLU({.negative_slope = 0.1}); }, {{3, 4}}, {.output = {3, 4}});
  check_layer([] { return ELU({.alpha = 2}); }, {{3, 4}}, {.output = {3, 4}});
  check_layer([] { return Softmax({.axis = {1, 2}}); }, {{2, 3, 2}}, {.output = {2, 3, 2}});
  check_layer([] { return PReLU({.shared_axes = {1}}); }, {{2, 3, 4}},
              {.output = {2, 3, 4},
               .weights = {"alpha (1, 4)"},
               .wrong = {2, 3, kUnknown},
               .wrong_says = "the number of elements on axis 2 must be known"});
  check_layer([] { return Rescaling(0.5, {.offset = 1}); }, {{2, 3}}, {.output = {2, 3}});
}

TEST(Activation, TakesAFunctionOfOps) {
  const Activation doubled({[](const Value& x) { return x * 2.0; }, "doubled"});
  EXPECT_EQ(Tensor(doubled(Tensor({2}, {1.0f, 3.0f}))).to_vector<float>(), (std::vector<float>{2, 6}));
  EXPECT_EQ(doubled.config().find("activation")->to_json(), "\"doubled\"");
}

TEST(Rescaling, MakesBytesFloating) {
  const Tensor y = Rescaling(1.0 / 255)(Tensor({2}, {std::uint8_t{0}, std::uint8_t{255}}));
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{0, 1}));
}

TEST(ActivationLayers, RefuseNonsense) {
  expect_error<InvalidArgument>([] { Activation("sigmoidal"); }, {"unknown activation 'sigmoidal'", "'sigmoid'?"});
  expect_error<InvalidArgument>([] { ReLU({.max_value = -1}); }, {"ReLU: max_value must not be negative, got -1"});
  expect_error<InvalidArgument>([] { ReLU({.threshold = -1}); }, {"ReLU: threshold"});
  expect_error<InvalidArgument>([] { LeakyReLU({.negative_slope = -1}); }, {"LeakyReLU: negative_slope"});
  expect_error<InvalidArgument>([] { Softmax({.axis = 2})(Input({3})); }, {"(Softmax): axis 2 is out of range"});
  expect_error<InvalidArgument>([] { PReLU({.shared_axes = {2}})(Input({3})); },
                                {"shared_axes must lie between 1 and 1"});
  PReLU prelu;
  prelu(Input({3}));
  expect_error<InvalidArgument>([&] { prelu(Input({4})); }, {"made for 3 elements on axis 1, got 4"});
}

}  // namespace
}  // namespace keratin
