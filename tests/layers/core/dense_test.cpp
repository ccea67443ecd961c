#include "keratin/layers/core/dense.h"

#include "keratin/core/tensor/errors.h"
#include "keratin/layers/core/input.h"
#include "tests/support/check_layer.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::check_layer;
using testing::expect_error;

TEST(Dense, DoesWhatLayersDo) {
  check_layer([] { return Dense(4, {.activation = "tanh"}); }, {{5, 3}},
              {.output = {5, 4},
               .weights = {"kernel (3, 4)", "bias (4,)"},
               .wrong = {5},
               .wrong_says = "rank 2 or more (n, ..., features), got (5,)"});
  check_layer([] { return Dense(2, {.use_bias = false}); }, {{2, 3, 4}},
              {.output = {2, 3, 2},
               .weights = {"kernel (4, 2)"},
               .wrong = {2, kUnknown},
               .wrong_says = "the number of features must be known"});
}

TEST(Dense, IsSharedByItsCopies) {
  Dense dense(3);
  Layer copy = dense;
  Input x({4});
  dense(x);
  ASSERT_TRUE(copy.built());
  copy.variables()[0].assign(Tensor::full({4, 3}, 2));
  EXPECT_EQ(dense.get_weights()[0].at({3, 2}), 2);
  EXPECT_EQ(dense.count_params(), 15);
}

TEST(Dense, KeepsItsWeightsForOtherInputsOfTheSameSize) {
  Dense dense(3);
  dense(Input({4}));
  EXPECT_EQ(dense(Input({7, 4})).shape(), (Shape{kUnknown, 7, 3}));
  expect_error<InvalidArgument>([&] { dense(Input({5})); },
                                {dense.name() + " (Dense): ", "made for 4 features, got 5", "(None, 5)"});
}

TEST(Dense, RefusesNonsense) {
  expect_error<InvalidArgument>([] { Dense(0); }, {"Dense: units must be positive, got 0"});
  expect_error<InvalidArgument>([] { Dense(3, {.activation = "rellu"}); }, {"unknown activation 'rellu'", "'relu'"});
  expect_error<InvalidArgument>([] { Dense(3, {.name = "a/b"}); }, {"must not contain '/'"});
}

TEST(Dense, ComputesOnTensors) {
  Dense dense(2, {.activation = "relu"});
  const Tensor x({1, 2}, {1.0f, -2.0f});
  dense.build(x.shape());
  dense.set_weights({Tensor({2, 2}, {1.0f, 2.0f, 3.0f, 0.5f}), Tensor({2}, {4.0f, 0.25f})});
  const Tensor y = dense(x);
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{0, 1.25}));
  // Bytes become floating numbers.
  const Tensor bytes = dense(Tensor({1, 2}, {std::uint8_t{1}, std::uint8_t{2}}));
  EXPECT_EQ(bytes.to_vector<float>(), (std::vector<float>{11, 3.25}));
}

}  // namespace
}  // namespace keratin
