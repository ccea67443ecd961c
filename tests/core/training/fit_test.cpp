// fit, evaluate and predict: what they compute, in which order, and what they refuse.
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "tests/support/expect_error.h"
#include "tests/support/small_models.h"

namespace keratin {
namespace {

using testing::all_weights;
using testing::compiled_model;
using testing::expect_error;
using testing::small_data;
using testing::small_model;

TEST(Fit, Learns) {
  const auto data = small_data(300);
  Sequential model = compiled_model();
  const History history = model.fit(data.x, data.y, {.batch_size = 32, .epochs = 30, .verbose = 0});
  EXPECT_EQ(history["loss"].size(), 30u);
  EXPECT_LT(history["loss"].back(), 0.3 * history["loss"].front());
  EXPECT_GT(model.evaluate(data.x, data.y, {.verbose = 0})["accuracy"], 0.95);
  EXPECT_EQ(model.predict(data.x).shape(), (Shape{300, 3}));
}

TEST(Fit, SameSeedSameBits) {
  const auto data = small_data(100);
  Sequential a = compiled_model(5), b = compiled_model(5), c = compiled_model(6);
  for (Sequential* model : {&a, &b, &c}) {
    set_random_seed(model == &c ? 6 : 5);
    model->fit(data.x, data.y, {.batch_size = 32, .epochs = 3, .verbose = 0});
  }
  EXPECT_EQ(all_weights(a), all_weights(b));
  EXPECT_NE(all_weights(a), all_weights(c));
}

TEST(Fit, ThreadsDoNotChangeTheBits) {
  const auto data = small_data(256);
  const int before = num_threads();
  std::vector<std::vector<float>> weights;
  for (int threads : {1, 2}) {
    set_num_threads(threads);
    Sequential model = compiled_model(9);
    model.fit(data.x, data.y, {.batch_size = 64, .epochs = 2, .verbose = 0});
    weights.push_back(all_weights(model));
  }
  set_num_threads(before);
  EXPECT_EQ(weights[0], weights[1]);
}

// The mean over samples, not over batches: the last, smaller batch counts by its size.
TEST(Fit, LastSmallerBatchCountsBySamples) {
  const auto data = small_data(37);
  Sequential model = compiled_model();
  const double whole = model.evaluate(data.x, data.y, {.batch_size = 37, .verbose = 0})["loss"];
  const double parts = model.evaluate(data.x, data.y, {.batch_size = 10, .verbose = 0})["loss"];
  EXPECT_NEAR(whole, parts, 1e-6);
  // A training epoch with learning rate 0 reports the same number.
  model.optimizer().set_learning_rate(0);
  const History history = model.fit(data.x, data.y, {.batch_size = 10, .epochs = 1, .verbose = 0});
  EXPECT_NEAR(history["loss"][0], whole, 1e-6);
}

TEST(Fit, EveryEpochSeesEverySampleOnceInItsOwnOrder) {
  // A model whose loss is its input: sums over an epoch must be those of the data, whatever the order.
  Tensor x({50, 1});
  for (std::size_t i = 0; i < 50; ++i) x.values<float>()[i] = static_cast<float>(i);
  std::vector<std::vector<float>> orders;
  for (const bool shuffle : {true, false}) {
    set_random_seed(1);
    Sequential model({Input({1}), Dense(1, {.use_bias = false, .kernel_initializer = "ones"})});
    model.compile(optimizers::SGD({.learning_rate = 0.0}),
                  Loss([](const Value&, const Value& p) { return p; }, "identity"));
    std::vector<float> seen;
    const auto read_batch = callbacks::LambdaCallback({.on_train_batch_end = [&](std::int64_t, const LazyLogs& logs) {
      seen.push_back(static_cast<float>(logs["loss"]));
    }});
    const History history =
        model.fit(x, x, {.batch_size = 1, .epochs = 2, .verbose = 0, .callbacks = {read_batch}, .shuffle = shuffle});
    EXPECT_NEAR(history["loss"][0], 24.5, 1e-4);
    EXPECT_NEAR(history["loss"][1], 24.5, 1e-4);
    orders.push_back(seen);
  }
  const std::vector<float> first(orders[0].begin(), orders[0].begin() + 50),
      second(orders[0].begin() + 50, orders[0].end());
  EXPECT_NE(first, second);  // running means of two epochs in different orders
  for (int i = 0; i < 50; ++i) EXPECT_NEAR(orders[1][static_cast<std::size_t>(i)], 0.5 * i, 1e-3);  // unshuffled
}

TEST(Fit, ValidationSplitIsTheLastPartUnshuffled) {
  auto data = small_data(100);
  Sequential model = compiled_model();
  model.optimizer().set_learning_rate(0);
  const History history = model.fit(data.x, data.y, {.batch_size = 16, .verbose = 0, .validation_split = 0.2});
  const double last = model.evaluate(data.x.rows(80, 100), data.y.rows(80, 100), {.verbose = 0})["loss"];
  const double first = model.evaluate(data.x.rows(0, 80), data.y.rows(0, 80), {.verbose = 0})["loss"];
  EXPECT_NEAR(history["val_loss"][0], last, 1e-6);
  EXPECT_NEAR(history["loss"][0], first, 1e-6);
}

TEST(Fit, ValidationDataAndFrequency) {
  const auto data = small_data(60), other = small_data(33);
  Sequential model = compiled_model();
  const History history = model.fit(
      data.x, data.y, {.epochs = 4, .verbose = 0, .validation_data = {other.x, other.y}, .validation_freq = 2});
  EXPECT_EQ(history["val_loss"].size(), 2u);
  EXPECT_EQ(history["loss"].size(), 4u);
}

TEST(Fit, InitialEpochAndStepsPerEpoch) {
  const auto data = small_data(64);
  Sequential model = compiled_model();
  const History history =
      model.fit(data.x, data.y, {.batch_size = 8, .epochs = 5, .verbose = 0, .initial_epoch = 3, .steps_per_epoch = 2});
  EXPECT_EQ(history.epoch, (std::vector<int>{3, 4}));
  EXPECT_EQ(model.optimizer().iterations(), 4);
}

TEST(Fit, SampleAndClassWeights) {
  const auto data = small_data(30);
  Sequential model = compiled_model();
  model.optimizer().set_learning_rate(0);
  auto loss = [&](const FitOptions& options) { return model.fit(data.x, data.y, options)["loss"][0]; };
  const double plain = loss({.batch_size = 7, .verbose = 0});
  EXPECT_NEAR(loss({.batch_size = 7, .verbose = 0, .sample_weight = Tensor::full({30}, 2)}), 2 * plain, 1e-5);
  EXPECT_NEAR(loss({.batch_size = 7, .verbose = 0, .class_weight = {{0, 3.0}, {1, 3.0}, {2, 3.0}}}), 3 * plain, 1e-5);
  // Only class 1 counts: the same as weights by hand.
  Tensor by_hand({30});
  for (std::size_t i = 0; i < 30; ++i) by_hand.values<float>()[i] = data.y.values<std::int32_t>()[i] == 1 ? 1.0f : 0.0f;
  EXPECT_NEAR(loss({.batch_size = 7, .verbose = 0, .class_weight = {{0, 0.0}, {1, 1.0}, {2, 0.0}}}),
              loss({.batch_size = 7, .verbose = 0, .sample_weight = by_hand}), 1e-6);
}

Dataset generated(const testing::SmallData& data, std::int64_t batch) {
  return Dataset::from_generator([data, batch] {
    return [data, batch, at = std::int64_t{0}](Batch& out) mutable {
      const std::int64_t rows = data.x.shape()[0];
      if (at >= rows) return false;
      const std::int64_t end = std::min(rows, at + batch);
      out.x = data.x.rows(at, end);
      out.y = data.y.rows(at, end);
      at = end;
      return true;
    };
  });
}

TEST(Fit, StreamedBatchesTrainLikeResidentOnes) {
  const auto data = small_data(70);
  Sequential resident = compiled_model(4), streamed = compiled_model(4);
  resident.fit(data.x, data.y, {.batch_size = 16, .epochs = 3, .verbose = 0, .shuffle = false});
  streamed.fit(generated(data, 16), {.epochs = 3, .verbose = 0});
  EXPECT_EQ(all_weights(resident), all_weights(streamed));
  EXPECT_NEAR(resident.evaluate(data.x, data.y, {.verbose = 0})["loss"],
              streamed.evaluate(generated(data, 9), {.verbose = 0})["loss"], 1e-6);
  EXPECT_EQ(streamed.predict_all(generated(data, 9))[0].shape(), (Shape{70, 3}));
}

TEST(Fit, StreamedExceptionsComeOut) {
  Sequential model = compiled_model();
  const Dataset broken =
      Dataset::from_generator([] { return [](Batch&) -> bool { throw FileError("the disk is gone"); }; });
  expect_error<FileError>([&] { model.fit(broken, {.verbose = 0}); }, {"the disk is gone"});
  const Dataset empty = Dataset::from_generator([] { return [](Batch&) { return false; }; });
  expect_error<InvalidArgument>([&] { model.fit(empty, {.verbose = 0}); }, {"fit", "no batch"});
}

TEST(Fit, DataMappedByOps) {
  const auto data = small_data(40);
  const Dataset doubled = Dataset(data.x, data.y).map([](const Values& x, const Values& y) {
    return std::pair<Values, Values>({x[0] * 2.0}, y);
  });
  Tensor x2 = data.x.clone();
  for (float& v : x2.values<float>()) v *= 2;
  Sequential model = compiled_model();
  EXPECT_NEAR(model.evaluate(doubled, {.verbose = 0})["loss"], model.evaluate(x2, data.y, {.verbose = 0})["loss"],
              1e-6);
}

TEST(Fit, BytesAndLastAxisFitTheInput) {
  // uint8 pictures without a channel axis for a model that wants one: Keras adds it.
  Tensor x({6, 4, 4}, DType::uint8);
  for (std::size_t i = 0; i < 96; ++i) x.values<std::uint8_t>()[i] = static_cast<std::uint8_t>(i);
  const Tensor y({6}, {0, 1, 0, 1, 0, 1});
  Sequential model({Input({4, 4, 1}), Rescaling(1.0 / 255), Flatten(), Dense(2, {.activation = "softmax"})});
  model.compile("sgd", "sparse_categorical_crossentropy");
  model.fit(x, y, {.batch_size = 4, .verbose = 0});
  const Tensor same = model.predict(x.reshape({6, 4, 4, 1}));
  EXPECT_EQ(same.to_vector<float>(), model.predict(x).to_vector<float>());
}

TEST(Fit, BatchFunctions) {
  const auto data = small_data(20);
  Sequential model = compiled_model();
  const double before = model.test_on_batch(data.x, data.y)["loss"];
  EXPECT_NEAR(model.train_on_batch(data.x, data.y)["loss"], before, 1e-6);
  EXPECT_LT(model.test_on_batch(data.x, data.y)["loss"], before);
  EXPECT_EQ(model.predict_on_batch(data.x).to_vector<float>(), model.predict(data.x).to_vector<float>());
}

TEST(Fit, Misuse) {
  const auto data = small_data(10);
  Sequential model = small_model();
  expect_error<InvalidArgument>([&] { model.fit(data.x, data.y); }, {"fit", "compile"});
  expect_error<InvalidArgument>([&] { model.evaluate(data.x, data.y); }, {"evaluate", "compile"});
  model.compile("adam", "sparse_categorical_crossentropy");
  expect_error<InvalidArgument>([&] { model.fit(data.x, small_data(9).y); }, {"fit", "10 samples", "9"});
  expect_error<InvalidArgument>([&] { model.fit(Tensor({0, 8}), Tensor({0}, DType::int32)); }, {"fit", "empty"});
  expect_error<InvalidArgument>([&] { model.fit(Tensor({10, 7}), data.y); }, {"fit", "7", "8"});
  expect_error<InvalidArgument>([&] { model.fit(data.x, data.y, {.batch_size = 0}); }, {"batch_size"});
  expect_error<InvalidArgument>([&] { model.fit(data.x, data.y, {.validation_split = 1.0}); }, {"validation_split"});
  expect_error<InvalidArgument>([&] { model.compile("adamm", "mse"); }, {"adamm", "did you mean 'adam'?"});
  expect_error<InvalidArgument>([&] { model.compile("adam", "sparse_categorical_crossentropi"); },
                                {"sparse_categorical_crossentropy"});
  expect_error<InvalidArgument>([&] { model.compile("adam", "mse", {"acuracy"}); }, {"did you mean 'accuracy'?"});
}

TEST(Fit, LabelsOutOfRangeChangeNothing) {
  auto data = small_data(40);
  data.y.values<std::int32_t>()[39] = 3;
  Sequential model = compiled_model();
  const auto before = all_weights(model);
  expect_error<InvalidArgument>([&] { model.fit(data.x, data.y, {.batch_size = 8, .verbose = 0}); },
                                {"fit", "labels", "[0, 3)"});
  data.y.values<std::int32_t>()[39] = -1;
  expect_error<InvalidArgument>([&] { model.train_on_batch(data.x, data.y); }, {"labels"});
  EXPECT_EQ(all_weights(model), before);
}

TEST(Fit, FrozenLayersDoNotTrain) {
  const auto data = small_data(50);
  Sequential model = compiled_model();
  Layer first = model.layers()[0];
  first.set_trainable(false);
  const auto frozen = first.get_weights()[0].to_vector<float>();
  const auto head = model.layers()[1].get_weights()[0].to_vector<float>();
  model.fit(data.x, data.y, {.epochs = 2, .verbose = 0});
  EXPECT_EQ(first.get_weights()[0].to_vector<float>(), frozen);
  EXPECT_NE(model.layers()[1].get_weights()[0].to_vector<float>(), head);
  first.set_trainable(true);  // without compiling again
  model.fit(data.x, data.y, {.epochs = 1, .verbose = 0});
  EXPECT_NE(first.get_weights()[0].to_vector<float>(), frozen);
}

TEST(Fit, NumericChecksNameTheLayer) {
  auto data = small_data(16);
  Sequential model = compiled_model();
  data.x.values<float>()[5] = NAN;
  set_check_numerics(true);
  expect_error<InvalidArgument>([&] { model.fit(data.x, data.y, {.verbose = 0}); }, {"dense", "NaN"});
  set_check_numerics(false);
}

TEST(Fit, CallbacksMayEvaluateAndPredict) {
  const auto data = small_data(64);
  Sequential model = compiled_model(), same = compiled_model();
  double seen = 0;
  const auto nested = callbacks::LambdaCallback(
      {.on_epoch_end =
           [&](int, const Logs&) {
             seen = model.evaluate(data.x, data.y, {.verbose = 0})["loss"];
             // More batch sizes than plans are kept.
             for (std::int64_t n = 1; n < 30; ++n) model.predict(data.x.rows(0, n));
           },
       .on_train_batch_end =
           [&](std::int64_t, const LazyLogs&) {
             model.predict(data.x.rows(0, 3));
             expect_error<InvalidArgument>([&] { model.train_on_batch(data.x, data.y); }, {"being trained"});
           }});
  model.fit(data.x, data.y, {.epochs = 2, .verbose = 0, .callbacks = {nested}});
  same.fit(data.x, data.y, {.epochs = 2, .verbose = 0});
  EXPECT_EQ(all_weights(model), all_weights(same));
  EXPECT_NEAR(seen, model.evaluate(data.x, data.y, {.verbose = 0})["loss"], 1e-6);
}

TEST(Fit, ConcurrentCallsAreRefused) {
  const auto data = small_data(64);
  Sequential model = compiled_model();
  const auto nested = callbacks::LambdaCallback({.on_epoch_end = [&](int, const Logs&) {
    std::thread([&] { expect_error<InvalidArgument>([&] { model.predict(data.x); }, {"in use"}); }).join();
  }});
  model.fit(data.x, data.y, {.epochs = 1, .verbose = 0, .callbacks = {nested}});
}

}  // namespace
}  // namespace keratin
