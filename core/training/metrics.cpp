#include "keratin/core/training/metrics.h"

#include <cmath>

#include "keratin/core/compiler/trace.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/softmax.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/align.h"

namespace keratin {

Variable MetricImpl::add_state(const std::string& name, Shape shape) {
  Variable variable(name_ + "/" + name, std::move(shape), {.initializer = "zeros", .trainable = false});
  variables_.push_back(variable);
  return variable;
}

namespace {

Value as_float(const Value& x) { return ops::cast(x, DType::float32); }

// Labels (n, ..., 1) as (n, ...), when predictions (n, ..., classes) have the same rank.
Value sparse_target(const Value& y_true, const Value& y_pred) {
  const bool extra = y_true.rank() == y_pred.rank() && y_true.shape()[-1] == 1;
  return ops::cast(extra ? ops::squeeze(y_true, -1) : y_true, DType::int32);
}

Value binary_matches(const Value& y, const Value& p, double threshold) {
  const Value target = align_target(as_float(y), p);
  const Value predicted = as_float(ops::greater(p, threshold));
  return ops::mean(as_float(ops::equal(target, predicted)), {-1});
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

// The mean over all samples of values computed by a function of ops.
class MeanOfFunction : public MetricImpl {
 public:
  MeanOfFunction(Loss::Function function, std::string name, ConfigValue config)
      : MetricImpl(std::move(name)),
        function_(std::move(function)),
        config_(std::move(config)),
        total_(add_state("total")),
        count_(add_state("count")) {}

  void update(TraceContext& trace, const Value& y_true, const Value& y_pred, const Value& sample_weight) override {
    Value values = as_float(function_(y_true, y_pred));
    Value count = constant(Tensor::scalar(static_cast<float>(values.shape().size())));
    if (sample_weight) {
      const Value weight = ops::broadcast_to(align_weight(sample_weight, values), values.shape());
      values = values * weight;
      count = ops::sum(weight);
    }
    trace.assign(total_.state(), trace.value_of(total_.state()) + ops::sum(values));
    trace.assign(count_.state(), trace.value_of(count_.state()) + count);
  }
  double result(std::span<const Tensor> state) const override {
    const double count = state[1].item();
    return count > 0 ? state[0].item() / count : 0;
  }
  ConfigValue config() const override { return config_; }

 private:
  Loss::Function function_;
  ConfigValue config_;
  Variable total_, count_;
};

class RootMean final : public MeanOfFunction {
 public:
  using MeanOfFunction::MeanOfFunction;
  double result(std::span<const Tensor> state) const override { return std::sqrt(MeanOfFunction::result(state)); }
};

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

Config metric_config(const char* class_name, const std::string& name) {
  Config config("keras.metrics", class_name);
  config.set("name", name).set("dtype", "float32");
  return config;
}

Loss::Function of_loss(Loss loss) {
  return [loss = std::move(loss)](const Value& y, const Value& p) { return loss.values(y, p); };
}

}  // namespace

Metric::Metric(const Metric&) = default;
Metric::Metric(Metric&&) noexcept = default;
Metric& Metric::operator=(const Metric&) = default;
Metric& Metric::operator=(Metric&&) noexcept = default;
Metric::~Metric() = default;
Metric::Metric(const char* name) : Metric(std::string(name)) {}

Metric::Metric(Loss::Function function, std::string name, ConfigValue config)
    : make_([function, name, config] { return std::make_shared<MeanOfFunction>(function, name, config); }) {
  impl_ = make_();
}

Metric Metric::fresh() const {
  Metric copy = *this;
  if (make_) copy.impl_ = make_();
  return copy;
}

// Makes metrics whose state is not that of MeanOfFunction.
class MetricFactory {
 public:
  static Metric make(std::function<std::shared_ptr<MetricImpl>()> maker) {
    Metric metric(maker());
    metric.make_ = std::move(maker);
    return metric;
  }
};

namespace metrics {

MeanTracker::MeanTracker(std::string name)
    : MetricImpl(std::move(name)), total_(add_state("total")), count_(add_state("count")) {}

void MeanTracker::update_value(TraceContext& trace, const Value& value, const Value& weight) {
  trace.assign(total_.state(), trace.value_of(total_.state()) + as_float(value) * weight);
  trace.assign(count_.state(), trace.value_of(count_.state()) + weight);
}
void MeanTracker::update(TraceContext& trace, const Value&, const Value& y_pred, const Value&) {
  update_value(trace, ops::mean(y_pred), constant(Tensor::scalar(1.0f)));
}
double MeanTracker::result(std::span<const Tensor> state) const {
  const double count = state[1].item();
  return count > 0 ? state[0].item() / count : 0;
}

// "accuracy" and "crossentropy" stay names: which metric they are depends on shapes.
Metric Accuracy(std::string name) {
  return Metric(resolved_matches, name, name == "acc" ? ConfigValue(name) : ConfigValue("accuracy"));
}
Metric BinaryAccuracy(std::string name, double threshold) {
  Config config = metric_config("BinaryAccuracy", name).set("threshold", threshold);
  return Metric([threshold](const Value& y, const Value& p) { return binary_matches(y, p, threshold); }, name,
                std::move(config));
}
Metric CategoricalAccuracy(std::string name) {
  return Metric(categorical_matches, name, metric_config("CategoricalAccuracy", name));
}
Metric SparseCategoricalAccuracy(std::string name) {
  return Metric(sparse_matches, name, metric_config("SparseCategoricalAccuracy", name));
}
Metric TopKCategoricalAccuracy(int k, std::string name) {
  return Metric([k](const Value& y, const Value& p) { return in_top_k(ops::argmax(y), p, k); }, name,
                metric_config("TopKCategoricalAccuracy", name).set("k", k));
}
Metric SparseTopKCategoricalAccuracy(int k, std::string name) {
  return Metric([k](const Value& y, const Value& p) { return in_top_k(sparse_target(y, p), p, k); }, name,
                metric_config("SparseTopKCategoricalAccuracy", name).set("k", k));
}
Metric MeanSquaredError(std::string name) {
  return Metric(of_loss(losses::MeanSquaredError()), name, metric_config("MeanSquaredError", name));
}
Metric MeanAbsoluteError(std::string name) {
  return Metric(of_loss(losses::MeanAbsoluteError()), name, metric_config("MeanAbsoluteError", name));
}
Metric RootMeanSquaredError(std::string name) {
  return MetricFactory::make([name = std::move(name)]() -> std::shared_ptr<MetricImpl> {
    return std::make_shared<RootMean>(of_loss(losses::MeanSquaredError()), name,
                                      metric_config("RootMeanSquaredError", name));
  });
}
Metric BinaryCrossentropy(std::string name, bool from_logits) {
  return Metric(of_loss(losses::BinaryCrossentropy({.from_logits = from_logits})), name,
                metric_config("BinaryCrossentropy", name).set("from_logits", from_logits));
}
Metric CategoricalCrossentropy(std::string name, bool from_logits) {
  return Metric(of_loss(losses::CategoricalCrossentropy({.from_logits = from_logits})), name,
                metric_config("CategoricalCrossentropy", name).set("from_logits", from_logits));
}
Metric SparseCategoricalCrossentropy(std::string name, bool from_logits) {
  return Metric(of_loss(losses::SparseCategoricalCrossentropy({.from_logits = from_logits})), name,
                metric_config("SparseCategoricalCrossentropy", name).set("from_logits", from_logits));
}

}  // namespace metrics

Metric::Metric(const std::string& name) {
  using Make = Metric (*)(const std::string&);
  static const std::vector<std::pair<std::vector<std::string>, Make>> known = {
      {{"accuracy", "acc"}, [](const std::string& n) { return metrics::Accuracy(n); }},
      {{"crossentropy", "ce"}, [](const std::string& n) { return Metric(resolved_crossentropy, n, n); }},
      {{"binary_accuracy", "BinaryAccuracy"}, [](const std::string&) { return metrics::BinaryAccuracy(); }},
      {{"categorical_accuracy", "CategoricalAccuracy"},
       [](const std::string&) { return metrics::CategoricalAccuracy(); }},
      {{"sparse_categorical_accuracy", "SparseCategoricalAccuracy"},
       [](const std::string&) { return metrics::SparseCategoricalAccuracy(); }},
      {{"top_k_categorical_accuracy", "TopKCategoricalAccuracy"},
       [](const std::string&) { return metrics::TopKCategoricalAccuracy(); }},
      {{"sparse_top_k_categorical_accuracy", "SparseTopKCategoricalAccuracy"},
       [](const std::string&) { return metrics::SparseTopKCategoricalAccuracy(); }},
      {{"mse", "mean_squared_error", "MSE", "MeanSquaredError"},
       [](const std::string& n) { return metrics::MeanSquaredError(n == "mse" ? n : "mean_squared_error"); }},
      {{"mae", "mean_absolute_error", "MAE", "MeanAbsoluteError"},
       [](const std::string& n) { return metrics::MeanAbsoluteError(n == "mae" ? n : "mean_absolute_error"); }},
      {{"root_mean_squared_error", "RootMeanSquaredError"},
       [](const std::string&) { return metrics::RootMeanSquaredError(); }},
      {{"binary_crossentropy", "BinaryCrossentropy"}, [](const std::string&) { return metrics::BinaryCrossentropy(); }},
      {{"categorical_crossentropy", "CategoricalCrossentropy"},
       [](const std::string&) { return metrics::CategoricalCrossentropy(); }},
      {{"sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"},
       [](const std::string&) { return metrics::SparseCategoricalCrossentropy(); }},
  };
  std::vector<std::string> names;
  for (const auto& [aliases, make] : known) {
    for (const std::string& alias : aliases) {
      if (alias == name) {
        *this = make(name);
        return;
      }
      names.push_back(alias);
    }
  }
  throw InvalidArgument("unknown metric '" + name + "'" + did_you_mean(name, names));
}

}  // namespace keratin
