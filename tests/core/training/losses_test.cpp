// Losses and metrics against numbers worked out here.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/expect_error.h"
#include "tests/support/small_models.h"

namespace keratin {
namespace {

using testing::expect_error;

double value_of(const Loss& loss, const Tensor& y, const Tensor& p, const Tensor& weight = {}) {
  return loss(y, p, weight.defined() ? Value(weight) : Value()).tensor().item();
}

const Tensor kTarget({2, 2}, {1.0f, 0.0f, 0.0f, 1.0f});
const Tensor kPrediction({2, 2}, {0.8f, 0.2f, 0.4f, 0.6f});

TEST(Losses, MeanSquaredAndAbsolute) {
  EXPECT_NEAR(value_of("mse", kTarget, kPrediction), (0.04 + 0.04 + 0.16 + 0.16) / 4, 1e-6);
  EXPECT_NEAR(value_of("mae", kTarget, kPrediction), 0.3, 1e-6);
  EXPECT_NEAR(value_of(losses::Huber(0.3), kTarget, kPrediction), (2 * 0.02 + 2 * (0.3 * 0.4 - 0.045)) / 4, 1e-6);
}

TEST(Losses, CtcSumsOverAllPaths) {
  // Two steps, one label of two classes: the paths are "1 1", "1 -" and "- 1".
  const Tensor logits({1, 2, 2}, {0.3f, -0.2f, 1.0f, 0.4f});
  const double a = 1 / (1 + std::exp(0.3 + 0.2)), b = 1 / (1 + std::exp(1.0 - 0.4));  // of class 1 in each step
  const double likely = a * b + a * (1 - b) + (1 - a) * b;
  EXPECT_NEAR(value_of("ctc", Tensor({1, 2}, {1.0f, 0.0f}), logits), -std::log(likely), 1e-5);
  // No label: blanks only. Two equal labels need a blank between them, for which there is no time.
  EXPECT_NEAR(value_of("ctc", Tensor({1, 2}, {0.0f, 0.0f}), logits), -std::log((1 - a) * (1 - b)), 1e-5);
  EXPECT_GT(value_of("ctc", Tensor({1, 2}, {1.0f, 1.0f}), logits), 9e4);
  // Steps behind the end of a row do not count.
  const Value one = ops::ctc_loss(Tensor({1, 1}, {1}), logits, Tensor({1}, {1}), Tensor({1}, {1}));
  EXPECT_NEAR(one.tensor().item(), -std::log(a), 1e-5);
  expect_error<InvalidArgument>([&] { value_of("ctc", Tensor({2}, {1, 0}), logits); }, {"ctc", "(n, labels)"});
}

TEST(Losses, CircleLeavesOutWhoIsAlone) {
  const Tensor p({3, 2}, {1.0f, 0.0f, 0.6f, 0.8f, 0.0f, 1.0f});
  const Loss circle = losses::Circle({.gamma = 2.0, .margin = 0.25});
  const Tensor y({3}, {4, 4, 9});
  // Of the pair: distances 0.4 between them, 1.0 and 0.2 to the other.
  const auto pair = [](double near, double far) {
    const double p = 2 * (0.25 + near) * (near - 0.25), n = 2 * (1.25 - far) * (0.75 - far);
    return std::log1p(std::exp(p + n));
  };
  EXPECT_NEAR(value_of(circle, y, p), (pair(0.4, 1.0) + pair(0.4, 0.2)) / 2, 1e-5);
  expect_error<InvalidArgument>([] { losses::CategoricalGeneralizedCrossEntropy(1.0); },
                                {"q must lie between 0 and 1"});
}

TEST(Losses, SampleWeights) {
  EXPECT_NEAR(value_of("mse", kTarget, kPrediction, Tensor({2}, {1.0f, 0.0f})), 0.04 / 2, 1e-6);
}

TEST(Losses, Crossentropies) {
  const double a = -std::log(0.8), b = -std::log(0.6);
  EXPECT_NEAR(value_of("categorical_crossentropy", kTarget, kPrediction), (a + b) / 2, 1e-5);
  EXPECT_NEAR(value_of("binary_crossentropy", kTarget, kPrediction), (a + b) / 2, 1e-5);
  for (const DType dtype : {DType::int32, DType::int64, DType::uint8, DType::float32}) {
    const Tensor labels = Tensor({2}, {0, 1}).astype(dtype);
    EXPECT_NEAR(value_of("sparse_categorical_crossentropy", labels, kPrediction), (a + b) / 2, 1e-5) << name_of(dtype);
    EXPECT_NEAR(value_of("sparse_categorical_crossentropy", labels.reshape({2, 1}), kPrediction), (a + b) / 2, 1e-5);
  }
}

TEST(Losses, FromLogitsAgreesWithProbabilities) {
  const Tensor logits({2, 3}, {2.0f, -1.0f, 0.5f, 0.0f, 3.0f, -2.0f});
  const Tensor probabilities = ops::softmax(logits);
  const Tensor labels({2}, {2, 1});
  EXPECT_NEAR(value_of(losses::SparseCategoricalCrossentropy({.from_logits = true}), labels, logits),
              value_of("sparse_categorical_crossentropy", labels, probabilities), 1e-5);
  const Tensor one_hot = ops::one_hot(labels, 3);
  EXPECT_NEAR(value_of(losses::CategoricalCrossentropy({.from_logits = true}), one_hot, logits),
              value_of("categorical_crossentropy", one_hot, probabilities), 1e-5);
  const Tensor sigmoids = ops::sigmoid(logits);
  EXPECT_NEAR(value_of(losses::BinaryCrossentropy({.from_logits = true}), one_hot, logits),
              value_of("binary_crossentropy", one_hot, sigmoids), 1e-5);
}

TEST(Losses, LabelSmoothing) {
  const double expected =
      -(0.9 + 0.05) * std::log(0.8) - 0.05 * std::log(0.2) - (0.95) * std::log(0.6) - 0.05 * std::log(0.4);
  EXPECT_NEAR(value_of(losses::CategoricalCrossentropy({.label_smoothing = 0.1}), kTarget, kPrediction), expected / 2,
              1e-5);
}

TEST(Losses, ExtremePredictionsStayFinite) {
  const Tensor sure({1, 2}, {1.0f, 0.0f});
  EXPECT_NEAR(value_of("sparse_categorical_crossentropy", Tensor({1}, {1}), sure), -std::log(1e-7), 1e-2);
  EXPECT_NEAR(value_of("binary_crossentropy", Tensor({1, 2}, {0.0f, 1.0f}), sure), -std::log(1e-7), 0.2);
  const Tensor huge({1, 2}, {1000.0f, -1000.0f});
  EXPECT_NEAR(value_of(losses::SparseCategoricalCrossentropy({.from_logits = true}), Tensor({1}, {1}), huge), 2000,
              1e-2);
}

TEST(Losses, ShapesMustAgree) {
  expect_error<InvalidArgument>(
      [] {
        value_of("mse", Tensor({2, 5}), Tensor({2, 3}));
      },
      {"mean_squared_error", "(2, 5)", "(2, 3)"});
  expect_error<InvalidArgument>([] { Loss("crossentropy_categorical"); }, {"unknown loss"});
  EXPECT_NEAR(value_of("mse", Tensor({2}, {1.0f, 2.0f}), Tensor({2, 1}, {1.0f, 1.0f})), 0.5,
              1e-6);  // (n,) against (n, 1)
}

// Metrics are sums over batches; a model of one identity layer shows them.
double metric_of(Metric metric, const Tensor& y, const Tensor& p) {
  Sequential model({Input({p.shape()[-1]}), Identity()});
  model.compile("sgd", Loss([](const Value&, const Value& x) { return ops::mean(x, {-1}); }, "none"), {metric});
  const Logs logs = model.evaluate(p, y, {.batch_size = 2, .verbose = 0});
  return logs[metric.name()];
}

TEST(Metrics, AccuracyIsResolvedByShapes) {
  const Tensor p({3, 3}, {0.1f, 0.7f, 0.2f, 0.5f, 0.3f, 0.2f, 0.2f, 0.2f, 0.6f});
  EXPECT_NEAR(metric_of("accuracy", Tensor({3}, {1, 1, 2}), p), 2.0 / 3, 1e-6);
  EXPECT_NEAR(metric_of("accuracy", Tensor({3, 1}, {1, 1, 2}), p), 2.0 / 3, 1e-6);
  const Tensor one_hot = ops::one_hot(Tensor({3}, {1, 1, 2}), 3);
  EXPECT_NEAR(metric_of("accuracy", one_hot, p), 2.0 / 3, 1e-6);
  EXPECT_NEAR(metric_of("accuracy", Tensor({4}, {1, 0, 1, 0}), Tensor({4, 1}, {0.9f, 0.2f, 0.3f, 0.6f})), 0.5, 1e-6);
}

TEST(Metrics, TopK) {
  const Tensor p({2, 4}, {0.1f, 0.4f, 0.3f, 0.2f, 0.5f, 0.1f, 0.3f, 0.1f});
  const Tensor labels({2}, {2, 1});
  EXPECT_NEAR(metric_of(metrics::SparseTopKCategoricalAccuracy(2), labels, p), 0.5, 1e-6);
  EXPECT_NEAR(metric_of(metrics::TopKCategoricalAccuracy(1), Tensor(ops::one_hot(labels, 4)), p), 0.0, 1e-6);
  EXPECT_NEAR(metric_of(metrics::SparseTopKCategoricalAccuracy(4), labels, p), 1.0, 1e-6);
}

TEST(Metrics, ErrorsAndCustomFunctions) {
  EXPECT_NEAR(metric_of("mae", kTarget, kPrediction), 0.3, 1e-6);
  EXPECT_NEAR(metric_of("mse", kTarget, kPrediction), 0.1, 1e-6);
  EXPECT_NEAR(metric_of("root_mean_squared_error", kTarget, kPrediction), std::sqrt(0.1), 1e-6);
  const Metric largest([](const Value&, const Value& p) { return ops::max(p, {-1}); }, "largest");
  EXPECT_NEAR(metric_of(largest, kTarget, kPrediction), 0.7, 1e-6);
}

}  // namespace
}  // namespace keratin
