// A predictor gives what predict gives: in one thread and in many, after the weights have changed, without allocating.
#include "keratin/core/training/predictor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "keratin/keratin.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

Sequential small_cnn() {
  set_random_seed(3);
  return Sequential({Input({6, 6, 1}), Conv2D(4, {3, 3}, {.activation = "relu"}), BatchNormalization(), Flatten(),
                     Dropout(0.5), Dense(5, {.activation = "softmax"})});
}

Tensor images(std::int64_t count) {
  Tensor x({count, 6, 6, 1});
  float value = 0;
  for (float& pixel : x.values<float>()) pixel = value = value > 1 ? value - 1.9f : value + 0.37f;
  return x;
}

TEST(Predictor, GivesWhatPredictGives) {
  Sequential model = small_cnn();
  const Tensor x = images(4), expected = model.predict(x);
  const Predictor predictor(model, {.batch_size = 4});
  EXPECT_EQ(predictor.input_shapes()[0], Shape({4, 6, 6, 1}));
  EXPECT_EQ(predictor.output_shapes()[0], Shape({4, 5}));
  EXPECT_EQ(predictor(x).to_vector<float>(), expected.to_vector<float>());
  EXPECT_EQ(predictor(x).device(), current_device_name());
  std::vector<float> y(20);
  predictor(x.values<float>(), y);
  EXPECT_EQ(y, expected.to_vector<float>());
}

TEST(Predictor, FollowsTheWeights) {
  Sequential model = small_cnn();
  const Predictor predictor(model);
  const Tensor x = images(1);
  const std::vector<float> before = predictor(x).to_vector<float>();
  std::vector<Tensor> weights = model.get_weights();
  for (Tensor& weight : weights) weight = Tensor::full(weight.shape(), 0.5);
  model.set_weights(weights);
  EXPECT_NE(predictor(x).to_vector<float>(), before);
  EXPECT_EQ(predictor(x).to_vector<float>(), model.predict(x).to_vector<float>());
}

// Weights that kernels keep packed are packed anew when they change, however that happens.
TEST(Predictor, KeepsPackedWeightsUpToDate) {
  for (const std::int64_t batch : {1, 40}) {
    Sequential model({Input({70}), Dense(600, {.activation = "relu"}), Dense(33)});
    model.compile("sgd", "mse");
    Tensor x({batch, 70}), y({batch, 33});
    for (std::size_t i = 0; float& value : x.values<float>()) value = static_cast<float>(i++ % 11) * 0.1f - 0.4f;
    const Predictor predictor(model, {.batch_size = batch}),
        plain(model, {.batch_size = batch, .keep_packed_weights = false});
    const auto expect_current = [&](const char* when) {
      // In batches of the same size: a GPU may add up products of another one in another order.
      const std::vector<float> expected = model.predict(x, {.batch_size = batch}).to_vector<float>();
      EXPECT_EQ(predictor(x).to_vector<float>(), expected) << when;
      EXPECT_EQ(plain(x).to_vector<float>(), expected) << when;
      return expected;
    };
    const std::vector<float> first = expect_current("at first");
    model.fit(x, y, {.batch_size = batch, .epochs = 1, .verbose = 0});
    const std::vector<float> trained = expect_current("after training");
    EXPECT_NE(trained, first);
    model.variables()[0].assign(Tensor::full({70, 600}, 0.25));
    EXPECT_NE(expect_current("after an assignment"), trained);
  }
}

TEST(Predictor, OutlivesItsModel) {
  std::vector<float> expected;
  const auto make = [&expected] {
    Sequential model = small_cnn();
    expected = model.predict(images(1)).to_vector<float>();
    return Predictor(model);
  };
  const Predictor predictor = make();
  EXPECT_EQ(predictor(images(1)).to_vector<float>(), expected);
}

TEST(Predictor, TakesOtherDtypesAndSeveralInputsAndOutputs) {
  const Value a = Input({2}), b = Input({2});
  const Value sum = Add()({a, b}), product = Multiply()({a, b});
  const Model model(Values{a, b}, Values{sum, product});
  const Predictor predictor(model, {.batch_size = 1, .input_dtypes = {DType::uint8, DType::float32}});
  const Tensor x[] = {Tensor({1, 2}, {std::uint8_t{3}, std::uint8_t{4}}), Tensor({1, 2}, {5.0f, 6.0f})};
  Tensor y[] = {Tensor({1, 2}), Tensor({1, 2})};
  predictor(x, y);
  EXPECT_EQ(y[0].to_vector<float>(), (std::vector<float>{8, 10}));
  EXPECT_EQ(y[1].to_vector<float>(), (std::vector<float>{15, 24}));
}

TEST(PredictorThreaded, ManyCallersAtOnce) {
  Sequential model = small_cnn();
  const Tensor x = images(16), expected = model.predict(x);
  const Predictor predictor(model);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      float y[5];
      for (std::int64_t i = 0; i < 200; ++i) {
        const std::int64_t row = (i + t * 5) % 16;
        predictor(x.rows(row, row + 1).values<float>(), y);
        const auto wanted = expected.values<float>().subspan(static_cast<std::size_t>(row * 5), 5);
        // Single rows and batches may be split differently: equal to rounding.
        for (std::size_t k = 0; k < 5; ++k) wrong += std::abs(y[k] - wanted[k]) < 1e-6f ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Predictor, AllocatesNothingAfterTheFirstCall) {
  if (!testing::can_count_allocations()) GTEST_SKIP() << "malloc belongs to a sanitizer here";
  Sequential model = small_cnn();
  const Predictor predictor(model);
  const Tensor x = images(1);
  float y[5];
  predictor(x.values<float>(), y);
  testing::arm_allocation_counter();
  for (int i = 0; i < 100; ++i) predictor(x.values<float>(), y);
  EXPECT_EQ(testing::disarm_allocation_counter(), 0);
}

TEST(Predictor, SaysWhatDoesNotFit) {
  Sequential model = small_cnn();
  expect_error<InvalidArgument>([&] { Predictor(model, {.batch_size = 0}); }, {"Predictor: batch_size", "0"});
  expect_error<InvalidArgument>(
      [&] {
        Predictor(model, {.input_dtypes = {DType::uint8, DType::uint8}});
      },
      {"2 dtypes", "1 inputs"});
  expect_error<InvalidArgument>([] { Predictor{Sequential({Dense(3)})}; }, {"has no inputs yet", "Input"});
  const Value wide = Input({-1, 3});
  expect_error<InvalidArgument>([&] { Predictor{Model(wide, Dense(2)(wide))}; }, {"(None, None, 3)", "batch"});
  const Predictor predictor(model);
  std::vector<float> five(5), few(7);
  expect_error<InvalidArgument>([&] { predictor(few, five); }, {"36 numbers", "(1, 6, 6, 1)", "7"});
  expect_error<InvalidArgument>([&] { predictor(images(2)); }, {"input 0", "(1, 6, 6, 1)", "(2, 6, 6, 1)"});
  const Predictor bytes(model, {.input_dtypes = {DType::uint8}});
  expect_error<InvalidArgument>([&] { bytes(std::vector<float>(36), five); }, {"pass tensors"});
}

}  // namespace
}  // namespace keratin
