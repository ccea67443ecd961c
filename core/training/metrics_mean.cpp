// The metrics that are means of a function: accuracies, and losses as metrics.
#include <cmath>

#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/softmax.h"
#include "keratin/core/training/align.h"
#include "keratin/core/training/detail/metric_support.h"
#include "keratin/core/training/detail/standard.h"

namespace keratin {
namespace {

using detail::as_float;
using detail::metric_config;

// Labels (n, ..., 1) as (n, ...), when predictions (n, ..., classes) have the same rank.
Value sparse_target(const Value& y_true, const Value& y_pred) {
  const bool extra = y_true.rank() == y_pred.rank() && y_true.shape()[-1] == 1;
  return ops::cast(extra ? ops::squeeze(y_true, -1) : y_true, DType::int32);
}

Value exact_matches(const Value& y, const Value& p) {
  return as_float(ops::equal(align_target(ops::cast(y, p.dtype()), p), p));
}
Value binary_matches(const Value& y, const Value& p, double threshold) {
  const Value target = align_target(as_float(y), p);
  return ops::mean(as_float(ops::equal(target, as_float(ops::greater(p, threshold)))), {-1});
}
Value categorical_matches(const Value& y, const Value& p) {
  return as_float(ops::equal(ops::argmax(y), ops::argmax(p)));
}
Value sparse_matches(const Value& y, const Value& p) {
  return as_float(ops::equal(sparse_target(y, p), ops::argmax(p)));
}

// 1 where fewer than k classes have a higher score than the target class. (Equal scores count for the target, as in
// TensorFlow's in_top_k.)
Value in_top_k(const Value& label, const Value& p, int k) {
  const Value target_score = ops::sum(p * ops::one_hot(label, p.shape()[-1], p.dtype()), {-1}, true);
  const Value higher = ops::sum(as_float(ops::greater(p, target_score)), {-1});
  return as_float(ops::less(higher, static_cast<double>(k)));
}

// 1 where the label is among the first k of the class numbers.
Value in_first_k(const Value& label, const Value& ids, int k) {
  if (ids.rank() < 1 || k > ids.shape()[-1]) {
    throw InvalidArgument("SparseTopKCategoricalAccuracy: k is " + std::to_string(k) + ", the predictions are " +
                          ids.shape().to_string());
  }
  std::vector<std::int64_t> begin(static_cast<std::size_t>(ids.rank()), 0), size(begin.size(), -1);
  size.back() = k;
  const Value first = ops::cast(ops::slice(ids, begin, size), DType::int32);
  return ops::max(as_float(ops::equal(ops::expand_dims(label, -1), first)), {-1});
}

// Keras (trainers/compile_utils.py get_metric): by the predictions' last axis and the targets' rank.
Value resolved_matches(const Value& y, const Value& p) {
  if (p.rank() > 0 && p.shape()[-1] == 1) return binary_matches(y, p, 0.5);
  const bool sparse = y.rank() < p.rank() || (y.rank() > 0 && y.shape()[-1] == 1);
  return sparse ? sparse_matches(y, p) : categorical_matches(y, p);
}
Value resolved_crossentropy(const Value& y, const Value& p) {
  if (p.rank() > 0 && p.shape()[-1] == 1) return losses::BinaryCrossentropy().values(y, p);
  const bool sparse = y.rank() < p.rank() || (y.rank() > 0 && y.shape()[-1] == 1);
  return sparse ? losses::SparseCategoricalCrossentropy().values(y, p) : losses::CategoricalCrossentropy().values(y, p);
}

Loss::Function of_loss(Loss loss) {
  return [loss = std::move(loss)](const Value& y, const Value& p) { return loss.values(y, p); };
}
Metric mean_of_loss(Loss loss, const char* class_name, const std::string& name) {
  return Metric(of_loss(std::move(loss)), name, metric_config(class_name, name));
}

class RootMean final : public MetricImpl {
 public:
  explicit RootMean(std::string name)
      : MetricImpl(std::move(name)), total_(add_state("total")), count_(add_state("count")) {}
  void update(TraceContext& trace, const Value& y_true, const Value& y_pred, const Value& sample_weight) override {
    Value values = as_float(losses::MeanSquaredError().values(y_true, y_pred));
    Value weight = ops::ones_like(values);
    if (sample_weight) weight = ops::broadcast_to(align_weight(sample_weight, values), values.shape());
    detail::accumulate(trace, total_, ops::sum(values * weight));
    detail::accumulate(trace, count_, ops::sum(weight));
  }
  double result(std::span<const Tensor> state) const override {
    return std::sqrt(detail::ratio_or_zero(state[0].item(), state[1].item()));
  }
  ConfigValue config() const override { return metric_config("RootMeanSquaredError", name()); }

 private:
  Variable total_, count_;
};

// Losses of elements to ignore are 0; weights, where there are any, do not count them (which is what Keras does).
class IgnoringCrossentropy final : public MetricImpl {
 public:
  IgnoringCrossentropy(std::string name, losses::SparseCrossentropyOptions options, Config config)
      : MetricImpl(std::move(name)),
        options_(options),
        config_(std::move(config)),
        total_(add_state("total")),
        count_(add_state("count")) {}
  void update(TraceContext& trace, const Value& y_true, const Value& y_pred, const Value& sample_weight) override {
    const Value values = as_float(losses::SparseCategoricalCrossentropy(options_).values(y_true, y_pred));
    Value weight = ops::ones_like(values);
    if (sample_weight) {
      const Value counts = ops::not_equal(y_true, static_cast<double>(*options_.ignore_class));
      weight = align_weight(sample_weight, values) * as_float(ops::reshape(counts, values.shape()));
    }
    detail::accumulate(trace, total_, ops::sum(values * weight));
    detail::accumulate(trace, count_, ops::sum(weight));
  }
  double result(std::span<const Tensor> state) const override {
    return detail::ratio_or_zero(state[0].item(), state[1].item());
  }
  bool uses_mask() const override { return true; }
  ConfigValue config() const override { return config_; }

 private:
  losses::SparseCrossentropyOptions options_;
  Config config_;
  Variable total_, count_;
};

Value deviations(const Value& x, int axis) { return x - ops::mean(x, {axis}, true); }
Value mean_square(const Value& x, int axis) { return ops::mean(ops::square(x), {axis}, true); }

void check_k(const char* metric, int k) {
  if (k < 1) throw InvalidArgument(std::string(metric) + ": k must be positive, got " + std::to_string(k));
}

}  // namespace

// "accuracy" and "crossentropy" stay names: which metric they are depends on shapes.
Metric detail::resolved_accuracy(const std::string& name) { return Metric(resolved_matches, name, name); }
Metric detail::resolved_crossentropy(const std::string& name) {
  return Metric(keratin::resolved_crossentropy, name, name);
}

namespace metrics {

Metric Accuracy(std::string name) { return Metric(exact_matches, name, metric_config("Accuracy", name)); }
Metric BinaryAccuracy(std::string name, double threshold) {
  return Metric([threshold](const Value& y, const Value& p) { return binary_matches(y, p, threshold); }, name,
                metric_config("BinaryAccuracy", name).set("threshold", threshold));
}
Metric CategoricalAccuracy(std::string name) {
  return Metric(categorical_matches, name, metric_config("CategoricalAccuracy", name));
}
Metric SparseCategoricalAccuracy(std::string name) {
  return Metric(sparse_matches, name, metric_config("SparseCategoricalAccuracy", name));
}
Metric TopKCategoricalAccuracy(int k, std::string name) {
  check_k("TopKCategoricalAccuracy", k);
  return Metric([k](const Value& y, const Value& p) { return in_top_k(ops::argmax(y), p, k); }, name,
                metric_config("TopKCategoricalAccuracy", name).set("k", k));
}
Metric SparseTopKCategoricalAccuracy(int k, std::string name, bool from_sorted_ids) {
  check_k("SparseTopKCategoricalAccuracy", k);
  Config config = metric_config("SparseTopKCategoricalAccuracy", name).set("k", k);
  if (from_sorted_ids) config.set("from_sorted_ids", true);
  return Metric(
      [k, from_sorted_ids](const Value& y, const Value& p) {
        const Value label = sparse_target(y, p);
        return from_sorted_ids ? in_first_k(label, p, k) : in_top_k(label, p, k);
      },
      name, std::move(config));
}

Metric MeanSquaredError(std::string name) { return mean_of_loss(losses::MeanSquaredError(), "MeanSquaredError", name); }
Metric MeanAbsoluteError(std::string name) {
  return mean_of_loss(losses::MeanAbsoluteError(), "MeanAbsoluteError", name);
}
Metric RootMeanSquaredError(std::string name) { return detail::metric_of<RootMean>(std::move(name)); }
Metric MeanAbsolutePercentageError(std::string name) {
  return mean_of_loss(losses::MeanAbsolutePercentageError(), "MeanAbsolutePercentageError", name);
}
Metric MeanSquaredLogarithmicError(std::string name) {
  return mean_of_loss(losses::MeanSquaredLogarithmicError(), "MeanSquaredLogarithmicError", name);
}
Metric LogCoshError(std::string name) { return mean_of_loss(losses::LogCosh(), "LogCoshError", name); }
Metric CosineSimilarity(std::string name, int axis) {
  Config config = metric_config("CosineSimilarity", name);
  if (axis != -1) config.set("axis", axis);  // Keras itself leaves it out
  return Metric([loss = losses::CosineSimilarity(axis)](const Value& y, const Value& p) { return -loss.values(y, p); },
                name, std::move(config));
}
Metric BinaryCrossentropy(std::string name, bool from_logits, double label_smoothing) {
  return Metric(of_loss(losses::BinaryCrossentropy({.from_logits = from_logits, .label_smoothing = label_smoothing})),
                name,
                metric_config("BinaryCrossentropy", name)
                    .set("from_logits", from_logits)
                    .set("label_smoothing", label_smoothing));
}
Metric CategoricalCrossentropy(std::string name, bool from_logits, double label_smoothing, int axis) {
  Config config = metric_config("CategoricalCrossentropy", name);
  config.set("from_logits", from_logits).set("label_smoothing", label_smoothing).set("axis", axis);
  return Metric(of_loss(losses::CategoricalCrossentropy(
                    {.from_logits = from_logits, .label_smoothing = label_smoothing, .axis = axis})),
                name, std::move(config));
}
Metric SparseCategoricalCrossentropy(std::string name, bool from_logits, std::optional<std::int64_t> ignore_class,
                                     int axis) {
  Config config = metric_config("SparseCategoricalCrossentropy", name);
  config.set("from_logits", from_logits).set("ignore_class", ignore_class).set("axis", axis);
  const losses::SparseCrossentropyOptions options{
      .from_logits = from_logits, .ignore_class = ignore_class, .axis = axis};
  if (ignore_class) return detail::metric_of<IgnoringCrossentropy>(name, options, config);
  return Metric(of_loss(losses::SparseCategoricalCrossentropy(options)), name, std::move(config));
}
Metric KLDivergence(std::string name) { return mean_of_loss(losses::KLDivergence(), "KLDivergence", name); }
Metric Poisson(std::string name) { return mean_of_loss(losses::Poisson(), "Poisson", name); }
Metric Hinge(std::string name) { return mean_of_loss(losses::Hinge(), "Hinge", name); }
Metric SquaredHinge(std::string name) { return mean_of_loss(losses::SquaredHinge(), "SquaredHinge", name); }
Metric CategoricalHinge(std::string name) { return mean_of_loss(losses::CategoricalHinge(), "CategoricalHinge", name); }

Metric PearsonCorrelation(std::string name, int axis) {
  return Metric(
      [axis](const Value& y_true, const Value& p) {
        const Value a = deviations(align_target(ops::cast(y_true, p.dtype()), p), axis), b = deviations(p, axis);
        const Value scaled = a / ops::sqrt(mean_square(a, axis)) * (b / ops::sqrt(mean_square(b, axis)));
        return ops::mean(scaled, {axis});
      },
      name, metric_config("PearsonCorrelation", name).set("axis", axis));
}
Metric ConcordanceCorrelation(std::string name, int axis) {
  return Metric(
      [axis](const Value& y_true, const Value& p) {
        const Value y = align_target(ops::cast(y_true, p.dtype()), p);
        const Value y_mean = ops::mean(y, {axis}, true), p_mean = ops::mean(p, {axis}, true);
        const Value norm = mean_square(y - y_mean, axis) + mean_square(p - p_mean, axis) + ops::square(y_mean - p_mean);
        return ops::mean((y - p_mean) * (p - p_mean) * 2.0 / (norm + 1e-7), {axis});
      },
      name, metric_config("ConcordanceCorrelation", name).set("axis", axis));
}

}  // namespace metrics

}  // namespace keratin
