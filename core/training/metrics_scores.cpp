// R2, F-scores, and intersection over union.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "keratin/core/ops/gather.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/training/align.h"
#include "keratin/core/training/detail/metric_support.h"

namespace keratin {
namespace {

using detail::as_float;
using detail::metric_config;
using Numbers = std::vector<double>;

constexpr double kEpsilon = 1e-7;

[[noreturn]] void fail(const std::string& metric, const std::string& what) {
  throw InvalidArgument(metric + ": " + what);
}

// Throws unless both are matrices of one shape.
void expect_matrices(const std::string& metric, const Value& y, const Value& p) {
  if (p.rank() == 2 && y.shape() == p.shape()) return;
  fail(metric, "expected targets and predictions of one shape (samples, outputs), got " + y.shape().to_string() +
                   " and " + p.shape().to_string());
}

double mean_of(const Numbers& x) {
  return x.empty() ? 0 : std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

class R2 final : public detail::NumbersMetric {
 public:
  R2(Config config, metrics::R2ScoreOptions options)
      : NumbersMetric(std::move(config), options.name), options_(std::move(options)) {}

  void update(TraceContext& trace, const Value& y_true, const Value& y_pred, const Value& sample_weight) override {
    const Value p = as_float(y_pred), y = align_target(as_float(y_true), p);
    expect_matrices("metric " + name(), y, p);
    if (variables().empty()) {
      const Shape outputs{p.shape()[1]};
      for (const char* state : {"sum", "squared_sum", "residual", "count"}) add_state(state, outputs);
      add_state("num_samples");
    }
    Value weight = ops::ones_like(p);
    if (sample_weight) weight = ops::broadcast_to(align_weight(sample_weight, p), p.shape());
    const Values amounts = {ops::sum(y * weight, {0}), ops::sum(y * y * weight, {0}),
                            ops::sum(ops::square(y - p) * weight, {0}), ops::sum(weight, {0}),
                            constant(Tensor::scalar(static_cast<float>(p.shape().size())))};
    for (std::size_t i = 0; i < amounts.size(); ++i) detail::accumulate(trace, variables()[i], amounts[i]);
  }

  Numbers results(std::span<const Tensor> state) const override {
    if (state.empty()) return {0};
    const Numbers sum = detail::to_doubles(state[0]), squares = detail::to_doubles(state[1]),
                  residual = detail::to_doubles(state[2]), count = detail::to_doubles(state[3]);
    Numbers scores, totals;
    for (std::size_t i = 0; i < sum.size(); ++i) {
      const double total = squares[i] - sum[i] * (sum[i] / count[i]);
      const double score = 1 - residual[i] / total;
      scores.push_back(std::isinf(score) ? 0 : score);
      totals.push_back(total);
    }
    if (options_.class_aggregation == "uniform_average") scores = {mean_of(scores)};
    if (options_.class_aggregation == "variance_weighted_average") {
      scores = {std::inner_product(totals.begin(), totals.end(), scores.begin(), 0.0) /
                std::accumulate(totals.begin(), totals.end(), 0.0)};
    }
    // Adjusted for the number of regressors, where there are samples enough.
    const double n = state[4].item(), p = options_.num_regressors;
    if (p > 0 && p < n - 1) {
      for (double& score : scores) score = 1 - (1 - score) * (n - 1) / (n - p - 1);
    }
    return scores;
  }

 private:
  metrics::R2ScoreOptions options_;
};

class FBeta final : public detail::NumbersMetric {
 public:
  FBeta(Config config, metrics::FBetaScoreOptions options)
      : NumbersMetric(std::move(config), options.name), options_(std::move(options)) {}

  void update(TraceContext& trace, const Value& y_true, const Value& y_pred, const Value& sample_weight) override {
    const Value p = as_float(y_pred), y = align_target(as_float(y_true), p);
    expect_matrices("metric " + name(), y, p);
    const bool micro = options_.average == "micro";
    if (variables().empty()) {
      const Shape classes = micro ? Shape{} : Shape{p.shape()[1]};
      for (const char* state : {"true_positives", "false_positives", "false_negatives", "intermediate_weights"}) {
        add_state(state, classes);
      }
    }
    // All zeros have no highest score.
    const Value positive = options_.threshold ? ops::greater(p, *options_.threshold)
                                              : ops::logical_and(ops::greater_equal(p, ops::max(p, {-1}, true)),
                                                                 ops::greater(ops::abs(p), 1e-9));
    const Value yes = as_float(positive);
    Value weight = ops::ones_like(p);
    if (sample_weight) weight = ops::broadcast_to(align_weight(sample_weight, p), p.shape());
    const std::vector<int> axes = micro ? std::vector<int>{} : std::vector<int>{0};
    const Values amounts = {yes * y, yes * (1.0 - y), (1.0 - yes) * y, y};
    for (std::size_t i = 0; i < amounts.size(); ++i) {
      detail::accumulate(trace, variables()[i], ops::sum(amounts[i] * weight, axes));
    }
  }

  Numbers results(std::span<const Tensor> state) const override {
    if (state.empty()) return {0};
    const Numbers tp = detail::to_doubles(state[0]), fp = detail::to_doubles(state[1]),
                  fn = detail::to_doubles(state[2]), weights = detail::to_doubles(state[3]);
    const double square = options_.beta * options_.beta;
    Numbers scores;
    for (std::size_t i = 0; i < tp.size(); ++i) {
      const double precision = tp[i] / (tp[i] + fp[i] + kEpsilon), recall = tp[i] / (tp[i] + fn[i] + kEpsilon);
      scores.push_back((1 + square) * (precision * recall / (square * precision + recall + kEpsilon)));
    }
    if (options_.average.empty()) return scores;
    if (options_.average != "weighted") return {mean_of(scores)};
    const double all = std::accumulate(weights.begin(), weights.end(), 0.0) + kEpsilon;
    return {std::inner_product(scores.begin(), scores.end(), weights.begin(), 0.0) / all};
  }

 private:
  metrics::FBetaScoreOptions options_;
};

Metric f_score(const char* class_name, const metrics::FBetaScoreOptions& o, bool with_beta) {
  const std::vector<std::string> averages = {"", "micro", "macro", "weighted"};
  if (std::find(averages.begin(), averages.end(), o.average) == averages.end()) {
    fail(class_name, "average must be 'micro', 'macro', 'weighted' or empty, got '" + o.average + "'");
  }
  if (!(o.beta > 0)) fail(class_name, "beta must be positive, got " + format_number(o.beta));
  if (o.threshold && !(*o.threshold > 0 && *o.threshold <= 1)) {
    fail(class_name, "threshold must be in (0, 1], got " + format_number(*o.threshold));
  }
  Config config = metric_config(class_name, o.name);
  config.set("average", o.average.empty() ? ConfigValue() : ConfigValue(o.average));
  if (with_beta) config.set("beta", o.beta);
  config.set("threshold", o.threshold);
  return detail::metric_of<FBeta>(config, o);
}

// What the classes of the IoU family differ by.
struct Overlap {
  int num_classes = 2;
  std::vector<int> targets;
  std::optional<double> threshold = {};  // predictions are probabilities of class 1
  metrics::IoUOptions options = {};
};

class OverlapMetric final : public detail::NumbersMetric {
 public:
  OverlapMetric(Config config, Overlap how)
      : NumbersMetric(std::move(config), how.options.name),
        how_(std::move(how)),
        counts_(add_state("total_confusion_matrix", {how_.num_classes, how_.num_classes}, how_.options.dtype)) {}

  void update(TraceContext& trace, const Value& y_true, const Value& y_pred, const Value& sample_weight) override {
    const metrics::IoUOptions& o = how_.options;
    const Value y = o.sparse_y_true ? whole(y_true) : ops::argmax(y_true, o.axis);
    const Value scores = how_.threshold ? ops::greater_equal(y_pred, *how_.threshold) : y_pred;
    const Value p = o.sparse_y_pred ? whole(scores) : ops::argmax(scores, o.axis);
    const std::int64_t elements = p.shape().size();
    if (y.shape().size() != elements) {
      fail("metric " + name(), "targets of shape " + y_true.shape().to_string() +
                                   " do not match predictions of shape " + y_pred.shape().to_string());
    }
    const Value label = ops::reshape(y, {elements}), predicted = ops::reshape(p, {elements});
    Value weight = constant(Tensor::full({elements}, 1));
    if (sample_weight) {
      // As in Keras: for each sample, or for each element.
      Value given = as_float(sample_weight);
      if (given.shape().size() != elements) given = ops::broadcast_to(align_weight(given, y), y.shape());
      weight = ops::reshape(given, {elements});
      if (o.dtype == DType::int32) weight = as_float(ops::cast(weight, DType::int32));
    }
    Value counts = ops::logical_and(in_range(label), in_range(predicted));
    if (o.ignore_class) {
      counts = ops::logical_and(counts, ops::not_equal(label, static_cast<double>(*o.ignore_class)));
    }
    weight = weight * as_float(counts);
    // Each element adds to the cell (label, prediction); those that do not count add 0 to the first.
    const Value cell = ops::where(counts, label * static_cast<double>(how_.num_classes) + predicted, 0.0);
    const std::int64_t classes = how_.num_classes;
    const Value matrix = apply(kTakeGrad, TakeGradAttrs{{classes * classes}}, {weight, cell}).front();
    detail::accumulate(trace, counts_, ops::cast(ops::reshape(matrix, {classes, classes}), o.dtype));
  }

  Numbers results(std::span<const Tensor> state) const override {
    const Numbers matrix = detail::to_doubles(state[0]);
    const auto n = static_cast<std::size_t>(how_.num_classes);
    double total = 0, occurring = 0;
    for (const int target : how_.targets) {
      const auto t = static_cast<std::size_t>(target);
      double all = -matrix[t * n + t];
      for (std::size_t i = 0; i < n; ++i) all += matrix[t * n + i] + matrix[i * n + t];
      if (all <= 1e-9) continue;
      total += matrix[t * n + t] / (all + kEpsilon);
      occurring += 1;
    }
    return {total / (occurring + kEpsilon)};
  }

 private:
  static Value whole(const Value& x) { return ops::cast(x, DType::int32); }
  Value in_range(const Value& x) const {
    return ops::logical_and(ops::greater_equal(x, 0.0), ops::less(x, static_cast<double>(how_.num_classes)));
  }

  Overlap how_;
  Variable counts_;
};

std::vector<int> all_classes(int count) {
  std::vector<int> result(static_cast<std::size_t>(std::max(count, 0)));
  std::iota(result.begin(), result.end(), 0);
  return result;
}

// Checks, and fills in a name. `given`: the configuration's arguments, in Keras's order.
Metric overlap(const char* class_name, const char* default_name, Overlap how,
               const std::function<void(Config&)>& arguments) {
  if (how.num_classes < 1) fail(class_name, "num_classes must be positive, got " + std::to_string(how.num_classes));
  if (how.num_classes > 32768) fail(class_name, "num_classes must be at most 32768");  // its square counts cells
  for (const int id : how.targets) {
    if (id < 0 || id >= how.num_classes) {
      fail(class_name,
           "target_class_ids must be in [0, " + std::to_string(how.num_classes) + "), got " + std::to_string(id));
    }
  }
  if (how.options.dtype != DType::int32 && how.options.dtype != DType::float32) {
    fail(class_name, "dtype must be int32 or float32, got " + std::string(name_of(how.options.dtype)));
  }
  if (how.options.name.empty()) how.options.name = default_name;
  Config config = metric_config(class_name, how.options.name, how.options.dtype);
  arguments(config);
  return detail::metric_of<OverlapMetric>(config, how);
}

}  // namespace

namespace metrics {

Metric R2Score(R2ScoreOptions o) {
  if (!o.class_aggregation.empty() && o.class_aggregation != "uniform_average" &&
      o.class_aggregation != "variance_weighted_average") {
    fail("R2Score", "class_aggregation must be 'uniform_average', 'variance_weighted_average' or empty, got '" +
                        o.class_aggregation + "'");
  }
  if (o.num_regressors < 0) fail("R2Score", "num_regressors must not be negative");
  Config config = metric_config("R2Score", o.name);
  config.set("class_aggregation", o.class_aggregation.empty() ? ConfigValue() : ConfigValue(o.class_aggregation));
  config.set("num_regressors", o.num_regressors);
  return detail::metric_of<R2>(config, o);
}

Metric FBetaScore(FBetaScoreOptions options) { return f_score("FBetaScore", options, true); }
Metric F1Score(F1ScoreOptions o) {
  return f_score("F1Score", {.average = o.average, .beta = 1.0, .threshold = o.threshold, .name = o.name}, false);
}

Metric IoU(int num_classes, std::vector<int> target_class_ids, IoUOptions o) {
  return overlap("IoU", "io_u", {num_classes, target_class_ids, {}, o}, [&](Config& config) {
    config.set("num_classes", num_classes).set("target_class_ids", target_class_ids);
    config.set("ignore_class", o.ignore_class).set("sparse_y_true", o.sparse_y_true);
    config.set("sparse_y_pred", o.sparse_y_pred).set("axis", o.axis);
  });
}
Metric MeanIoU(int num_classes, IoUOptions o) {
  return overlap("MeanIoU", "mean_io_u", {num_classes, all_classes(num_classes), {}, o}, [&](Config& config) {
    config.set("num_classes", num_classes).set("ignore_class", o.ignore_class).set("sparse_y_true", o.sparse_y_true);
    config.set("sparse_y_pred", o.sparse_y_pred).set("axis", o.axis);
  });
}
Metric OneHotIoU(int num_classes, std::vector<int> target_class_ids, OneHotIoUOptions o) {
  const IoUOptions all{o.name, o.dtype, o.ignore_class, false, o.sparse_y_pred, o.axis};
  return overlap("OneHotIoU", "one_hot_io_u", {num_classes, target_class_ids, {}, all}, [&](Config& config) {
    config.set("num_classes", num_classes).set("target_class_ids", target_class_ids);
    config.set("ignore_class", o.ignore_class).set("sparse_y_pred", o.sparse_y_pred).set("axis", o.axis);
  });
}
Metric OneHotMeanIoU(int num_classes, OneHotIoUOptions o) {
  const IoUOptions all{o.name, o.dtype, o.ignore_class, false, o.sparse_y_pred, o.axis};
  return overlap("OneHotMeanIoU", "one_hot_mean_io_u", {num_classes, all_classes(num_classes), {}, all},
                 [&](Config& config) {
                   config.set("num_classes", num_classes).set("ignore_class", o.ignore_class);
                   config.set("sparse_y_pred", o.sparse_y_pred).set("axis", o.axis);
                 });
}
Metric BinaryIoU(BinaryIoUOptions o) {
  const IoUOptions all{.name = o.name, .dtype = o.dtype};
  return overlap("BinaryIoU", "binary_io_u", {2, o.target_class_ids, o.threshold, all}, [&](Config& config) {
    config.set("target_class_ids", o.target_class_ids).set("threshold", o.threshold);
  });
}

}  // namespace metrics

}  // namespace keratin
