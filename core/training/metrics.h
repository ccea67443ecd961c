// Metrics (keras.metrics): sums that are kept on the device while an epoch runs, and the numbers they stand for.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "keratin/core/graph/value.h"
#include "keratin/core/model/config.h"
#include "keratin/core/model/variable.h"
#include "keratin/core/training/losses.h"

namespace keratin {

class TraceContext;

// What a metric derives from. State variables begin an epoch as zeros.
class MetricImpl {
 public:
  explicit MetricImpl(std::string name) : name_(std::move(name)) {}
  virtual ~MetricImpl() = default;
  const std::string& name() const { return name_; }
  const std::vector<Variable>& variables() const { return variables_; }
  // Adds the batch to the state (TraceContext::value_of and assign). `sample_weight` may be empty. State whose shape
  // depends on the predictions' is made here, when this is first called.
  virtual void update(TraceContext& trace, const Value& y_true, const Value& y_pred, const Value& sample_weight) = 0;
  // The metric for values of variables(). Throws InvalidArgument when it has several numbers.
  virtual double result(std::span<const Tensor> state) const = 0;
  // The same for a metric that may have several: one for each class, or for each threshold.
  virtual std::vector<double> results(std::span<const Tensor> state) const;
  // Whether the mask of the predictions counts as sample weights, as for Keras's means of functions.
  virtual bool uses_mask() const { return false; }
  // A name or an object, as Keras's compile configuration holds it; null for a metric that files cannot hold.
  virtual ConfigValue config() const { return {}; }

 protected:
  // `dtype`: float32, or int32 for counts above 2^24.
  Variable add_state(const std::string& name, Shape shape = {}, DType dtype = DType::float32);

 private:
  std::string name_;
  std::vector<Variable> variables_;
};

// By name ("accuracy", "mae", ...), from metrics::, or the mean of a function of ops.
//
// A metric of several numbers (F1Score without an average, Precision with several thresholds) has an entry in logs for
// each, numbered from 0: "f1_score[0]", "f1_score[1]", ...; callbacks monitor them by these names.
class Metric {
 public:
  // Not inline: copied wherever users write a model.
  Metric(const Metric&);
  Metric(Metric&&) noexcept;
  Metric& operator=(const Metric&);
  Metric& operator=(Metric&&) noexcept;
  ~Metric();

  // Throws InvalidArgument for an unknown name, with a suggestion. Names are Keras's: of the class ("AUC"), the same in
  // snake case, and mse, mae, mape, msle and bce (also in capitals); the metric takes the name it is given by.
  // "accuracy" becomes the binary, categorical or sparse one when targets and predictions are known, as in Keras.
  Metric(const char* name);         // NOLINT(google-explicit-constructor)
  Metric(const std::string& name);  // NOLINT(google-explicit-constructor)
  explicit Metric(std::shared_ptr<MetricImpl> impl);
  // Made anew for each model by `make`.
  explicit Metric(std::function<std::shared_ptr<MetricImpl>()> make);
  // The mean of function(y_true, y_pred) over samples. `config`: what files hold of it, Config(package, class_name) of
  // a registered class; without one the metric is left out of files.
  Metric(Loss::Function function, std::string name, ConfigValue config = {});

  const std::string& name() const { return impl_->name(); }
  ConfigValue config() const { return impl_->config(); }
  MetricImpl& impl() const { return *impl_; }
  // Makes a metric of its own state for a model: metrics of one model are never those of another.
  Metric fresh() const;

  // For use outside of fit and evaluate: adds a batch to the state, on the current device.
  void update_state(const Value& y_true, const Value& y_pred = {}, const Value& sample_weight = {}) const;
  // The metric of what update_state has seen. `result` throws InvalidArgument when it has several numbers.
  double result() const;
  std::vector<double> results() const;
  void reset_state() const;

 private:
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

// Of values instead of targets and predictions, as in Keras: update_state(values, weights). In compile() the targets
// would be the values and the predictions the weights.
Metric Mean(std::string name = "mean");
Metric Sum(std::string name = "sum");

// How often predictions equal targets. (The name "accuracy" in compile() is resolved by shapes instead.)
Metric Accuracy(std::string name = "accuracy");
Metric BinaryAccuracy(std::string name = "binary_accuracy", double threshold = 0.5);
Metric CategoricalAccuracy(std::string name = "categorical_accuracy");
Metric SparseCategoricalAccuracy(std::string name = "sparse_categorical_accuracy");
Metric TopKCategoricalAccuracy(int k = 5, std::string name = "top_k_categorical_accuracy");
// `from_sorted_ids`: predictions are class numbers, the best first, instead of scores.
Metric SparseTopKCategoricalAccuracy(int k = 5, std::string name = "sparse_top_k_categorical_accuracy",
                                     bool from_sorted_ids = false);

// Means of the losses of these names (core/training/losses.h).
Metric MeanSquaredError(std::string name = "mean_squared_error");
Metric RootMeanSquaredError(std::string name = "root_mean_squared_error");
Metric MeanAbsoluteError(std::string name = "mean_absolute_error");
Metric MeanAbsolutePercentageError(std::string name = "mean_absolute_percentage_error");
Metric MeanSquaredLogarithmicError(std::string name = "mean_squared_logarithmic_error");
Metric LogCoshError(std::string name = "logcosh");
// Of the sign opposite to the loss's: 1 for equal directions.
Metric CosineSimilarity(std::string name = "cosine_similarity", int axis = -1);
Metric BinaryCrossentropy(std::string name = "binary_crossentropy", bool from_logits = false,
                          double label_smoothing = 0);
Metric CategoricalCrossentropy(std::string name = "categorical_crossentropy", bool from_logits = false,
                               double label_smoothing = 0, int axis = -1);
// Elements of the class `ignore_class` count as losses of 0, and with sample weights not at all.
Metric SparseCategoricalCrossentropy(std::string name = "sparse_categorical_crossentropy", bool from_logits = false,
                                     std::optional<std::int64_t> ignore_class = {}, int axis = -1);
Metric KLDivergence(std::string name = "kl_divergence");
Metric Poisson(std::string name = "poisson");
Metric Hinge(std::string name = "hinge");
Metric SquaredHinge(std::string name = "squared_hinge");
Metric CategoricalHinge(std::string name = "categorical_hinge");
// Pearson's r and Lin's concordance, over `axis`.
Metric PearsonCorrelation(std::string name = "pearson_correlation", int axis = -1);
Metric ConcordanceCorrelation(std::string name = "concordance_correlation", int axis = -1);

struct R2ScoreOptions {
  // "uniform_average", "variance_weighted_average", or "" for a number for each output.
  std::string class_aggregation = "uniform_average";
  int num_regressors = 0;  // above 0: the adjusted R2
  std::string name = "r2_score";
};
// 1 - sum((y - p)^2) / sum((y - mean(y))^2) of matrices (samples, outputs).
Metric R2Score(R2ScoreOptions options = {});

// Counts of predictions above a threshold (positives) or not, that are right (true) or not. `name` empty: the class's.
struct CountOptions {
  std::vector<double> thresholds = {};  // in [0, 1]; empty: {0.5}. Several: a number for each
  std::string name = {};
};
Metric TruePositives(CountOptions options = {});
Metric TrueNegatives(CountOptions options = {});
Metric FalsePositives(CountOptions options = {});
Metric FalseNegatives(CountOptions options = {});

struct PrecisionOptions {
  std::vector<double> thresholds = {};  // empty: {0.5}, and none with top_k
  std::optional<int> top_k = {};        // only the k highest scores of a sample can be positive
  std::optional<int> class_id = {};     // only this class counts
  std::string name = {};
};
using RecallOptions = PrecisionOptions;
Metric Precision(PrecisionOptions options = {});  // true positives / all positives; 0 when there are none
Metric Recall(RecallOptions options = {});        // true positives / (true positives + false negatives)

// The best of one number where the other one is at least as given, over `num_thresholds` evenly spaced thresholds.
struct AtOptions {
  int num_thresholds = 200;
  std::optional<int> class_id = {};
  std::string name = {};
};
Metric SensitivityAtSpecificity(double specificity, AtOptions options = {});
Metric SpecificityAtSensitivity(double sensitivity, AtOptions options = {});
Metric PrecisionAtRecall(double recall, AtOptions options = {});
Metric RecallAtPrecision(double precision, AtOptions options = {});

struct AUCOptions {
  int num_thresholds = 200;
  std::string curve = "ROC";                       // "ROC", "PR" or "PRGAIN"
  std::string summation_method = "interpolation";  // "interpolation", "minoring" or "majoring"
  std::string name = {};
  std::vector<double> thresholds = {};  // in (0, 1), instead of num_thresholds evenly spaced ones
  bool multi_label = false;             // the mean of an area for each label: predictions are (samples, labels)
  std::optional<int> num_labels = {};
  std::vector<double> label_weights = {};
  bool from_logits = false;
};
// The area under the curve.
Metric AUC(AUCOptions options = {});

struct F1ScoreOptions {
  std::string average = {};              // "micro", "macro", "weighted", or "" for a number for each class
  std::optional<double> threshold = {};  // without one, the class with the highest score is positive
  std::string name = "f1_score";
};
struct FBetaScoreOptions {
  std::string average = {};
  double beta = 1.0;
  std::optional<double> threshold = {};
  std::string name = "fbeta_score";
};
// (1 + beta^2) * precision * recall / (beta^2 * precision + recall), of matrices (samples, classes).
Metric F1Score(F1ScoreOptions options = {});
Metric FBetaScore(FBetaScoreOptions options = {});

// Intersection over union of classes: true positives / (true positives + false positives + false negatives), the mean
// of the classes that occur. Targets and predictions are class numbers, or one-hot and scores.
struct IoUOptions {
  std::string name = {};
  DType dtype = DType::int32;  // of the counts: sample weights are cut to whole numbers, as in Keras, but for float32
  std::optional<int> ignore_class = {};
  bool sparse_y_true = true, sparse_y_pred = true;  // false: argmax over `axis`
  int axis = -1;
};
struct OneHotIoUOptions {
  std::string name = {};
  DType dtype = DType::int32;
  std::optional<int> ignore_class = {};
  bool sparse_y_pred = false;
  int axis = -1;
};
struct BinaryIoUOptions {
  std::vector<int> target_class_ids = {0, 1};
  double threshold = 0.5;
  std::string name = {};
  DType dtype = DType::int32;
};
Metric IoU(int num_classes, std::vector<int> target_class_ids, IoUOptions options = {});
Metric MeanIoU(int num_classes, IoUOptions options = {});
Metric OneHotIoU(int num_classes, std::vector<int> target_class_ids, OneHotIoUOptions options = {});
Metric OneHotMeanIoU(int num_classes, OneHotIoUOptions options = {});
Metric BinaryIoU(BinaryIoUOptions options = {});

}  // namespace metrics

}  // namespace keratin
