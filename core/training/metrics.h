// Metrics (keras.metrics): sums that are kept on the device while an epoch runs, and the number they stand for.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "keratin/core/graph/value.h"
#include "keratin/core/model/config.h"
#include "keratin/core/model/variable.h"
#include "keratin/core/training/losses.h"

namespace keratin {

class TraceContext;

// What a metric derives from. State variables are float32 scalars or arrays that begin an epoch as zeros.
class MetricImpl {
 public:
  explicit MetricImpl(std::string name) : name_(std::move(name)) {}
  virtual ~MetricImpl() = default;
  const std::string& name() const { return name_; }
  const std::vector<Variable>& variables() const { return variables_; }
  // Adds the batch to the state (TraceContext::value_of and assign). `sample_weight` may be empty.
  virtual void update(TraceContext& trace, const Value& y_true, const Value& y_pred, const Value& sample_weight) = 0;
  // The metric for values of variables().
  virtual double result(std::span<const Tensor> state) const = 0;
  // A name or an object, as Keras's compile configuration holds it; null for a metric that files cannot hold.
  virtual ConfigValue config() const { return {}; }

 protected:
  Variable add_state(const std::string& name, Shape shape = {});

 private:
  std::string name_;
  std::vector<Variable> variables_;
};

// By name ("accuracy", "mae", ...), from metrics::, or the mean of a function of ops.
class Metric {
 public:
  // Not inline: copied wherever users write a model.
  Metric(const Metric&);
  Metric(Metric&&) noexcept;
  Metric& operator=(const Metric&);
  Metric& operator=(Metric&&) noexcept;
  ~Metric();

  // Throws InvalidArgument for an unknown name, with a suggestion. "accuracy" becomes the binary, categorical or sparse
  // one when targets and predictions are known, as in Keras.
  Metric(const char* name);         // NOLINT(google-explicit-constructor)
  Metric(const std::string& name);  // NOLINT(google-explicit-constructor)
  explicit Metric(std::shared_ptr<MetricImpl> impl) : impl_(std::move(impl)) {}
  // The mean of function(y_true, y_pred) over samples. `config`: what files hold of it, Config(package, class_name) of
  // a registered class; without one the metric is left out of files.
  Metric(Loss::Function function, std::string name, ConfigValue config = {});

  const std::string& name() const { return impl_->name(); }
  ConfigValue config() const { return impl_->config(); }
  MetricImpl& impl() const { return *impl_; }
  // Makes a metric of its own state for a model: metrics of one model are never those of another.
  Metric fresh() const;

 private:
  friend class MetricFactory;
  std::shared_ptr<MetricImpl> impl_;
  std::function<std::shared_ptr<MetricImpl>()> make_;
};

namespace metrics {

// sum(weight * value) / sum(weight), of numbers computed in the step: the loss tracker.
class MeanTracker final : public MetricImpl {
 public:
  explicit MeanTracker(std::string name);
  // `value`: a scalar; `weight`: how much it counts.
  void update_value(TraceContext& trace, const Value& value, const Value& weight);
  void update(TraceContext& trace, const Value& y_true, const Value& y_pred, const Value& sample_weight) override;
  double result(std::span<const Tensor> state) const override;

 private:
  Variable total_, count_;
};

Metric Accuracy(std::string name = "accuracy");  // resolved by shapes
Metric BinaryAccuracy(std::string name = "binary_accuracy", double threshold = 0.5);
Metric CategoricalAccuracy(std::string name = "categorical_accuracy");
Metric SparseCategoricalAccuracy(std::string name = "sparse_categorical_accuracy");
Metric TopKCategoricalAccuracy(int k = 5, std::string name = "top_k_categorical_accuracy");
Metric SparseTopKCategoricalAccuracy(int k = 5, std::string name = "sparse_top_k_categorical_accuracy");
Metric MeanSquaredError(std::string name = "mean_squared_error");
Metric RootMeanSquaredError(std::string name = "root_mean_squared_error");
Metric MeanAbsoluteError(std::string name = "mean_absolute_error");
// The crossentropies as metrics.
Metric BinaryCrossentropy(std::string name = "binary_crossentropy", bool from_logits = false);
Metric CategoricalCrossentropy(std::string name = "categorical_crossentropy", bool from_logits = false);
Metric SparseCategoricalCrossentropy(std::string name = "sparse_categorical_crossentropy", bool from_logits = false);

}  // namespace metrics

}  // namespace keratin
