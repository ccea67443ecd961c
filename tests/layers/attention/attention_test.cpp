// Attention beyond single calls, which are compared with Keras in goldens_test.cpp: masks, options of calls, errors.
#include <gtest/gtest.h>

#include "keratin/keratin.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

Tensor numbers(const Shape& shape) {
  Tensor result(shape);
  int i = 0;
  for (float& x : result.values<float>()) x = static_cast<float>(i++ * 37 % 41) / 20 - 1;
  return result;
}

TEST(Attention, OfPaddedRowsIsThatOfTheRowsAlone) {
  const std::vector<Layer> layers = {MultiHeadAttention(2, 3), GroupQueryAttention(3, 4, 2), Attention(),
                                     AdditiveAttention()};
  for (const Layer& attend : layers) {
    SCOPED_TRACE(attend.class_name());
    const Input x({kUnknown, 4});
    const Value masked = Masking()(x);
    Model model(x, GlobalAveragePooling1D()(attend({masked, masked})));
    const Tensor alone = numbers({1, 3, 4});
    Tensor padded({1, 5, 4});
    std::copy_n(alone.values<float>().begin(), 12, padded.values<float>().begin());
    const auto a = model.predict_on_batch(alone).to_vector<float>(),
               b = model.predict_on_batch(padded).to_vector<float>();
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-6) << i;
  }
}

TEST(Attention, CausalDoesNotDependOnWhatComesLater) {
  const Input x({6, 4});
  Model model(x, MultiHeadAttention(2, 3)({x, x}, {.use_causal_mask = true}));
  const Tensor first = numbers({1, 6, 4});
  Tensor second = first.clone();
  second.values<float>()[5 * 4] = 7;  // the last position
  const auto a = model.predict_on_batch(first).to_vector<float>(),
             b = model.predict_on_batch(second).to_vector<float>();
  EXPECT_EQ(std::vector<float>(a.begin(), a.begin() + 20), std::vector<float>(b.begin(), b.begin() + 20));
  EXPECT_NE(a, b);
}

TEST(Attention, WeightsSumToOne) {
  const Input q({3, 4}), v({5, 4});
  Model model(Values{q, v}, MultiHeadAttention(2, 3).call({q, v}, {.return_attention_scores = true}));
  const std::vector<Tensor> y = model.predict_all({numbers({2, 3, 4}), numbers({2, 5, 4})});
  EXPECT_EQ(y[0].shape(), Shape({2, 3, 4}));
  ASSERT_EQ(y[1].shape(), Shape({2, 2, 3, 5}));
  for (float sum : Tensor(ops::sum(y[1], {-1})).to_vector<float>()) EXPECT_NEAR(sum, 1, 1e-6);
}

TEST(Attention, RefusesNonsense) {
  expect_error<InvalidArgument>([] { MultiHeadAttention(0, 3); }, {"num_heads must be positive, got 0"});
  expect_error<InvalidArgument>([] { MultiHeadAttention(2, 3, {.dropout = 2.0}); }, {"dropout", "between 0 and 1"});
  expect_error<InvalidArgument>([] { GroupQueryAttention(3, 4, 3); }, {"must be divisible", "4 and 3"});
  expect_error<InvalidArgument>([] { Attention({.score_mode = "dto"}); },
                                {"score_mode must be 'dot' or 'concat', got 'dto'"});
  const Input x({5, 4}), y({3, 4}), flat({4}), wide({5, 6});
  expect_error<InvalidArgument>([&] { MultiHeadAttention(2, 3, {.name = "m"})(x); },
                                {"m (MultiHeadAttention)", "query and value", "1 input"});
  expect_error<InvalidArgument>([&] { MultiHeadAttention(2, 3)({flat, flat}); }, {"(n, ..., features)"});
  expect_error<InvalidArgument>([&] { MultiHeadAttention(2, 3)({x, x, y}); }, {"value and key", "same positions"});
  expect_error<InvalidArgument>([&] { Attention()({x, wide}); }, {"equally many features"});
  expect_error<InvalidArgument>(
      [&] {
        MultiHeadAttention(2, 3, {.attention_axes = {2}})({x, x});
      },
      {"attention axis 2"});
  expect_error<InvalidArgument>([&] { Dense(2)(x, {.use_causal_mask = true}); }, {"attention layers only"});
}

}  // namespace
}  // namespace keratin
