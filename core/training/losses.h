// Losses (keras.losses): compositions of ops that compare targets with predictions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "keratin/core/graph/value.h"
#include "keratin/core/model/config.h"

namespace keratin {

// By name ("mse", "sparse_categorical_crossentropy", ...), from losses::, or a function of ops.
class Loss {
 public:
  // Not inline: copied wherever users write a model.
  Loss(const Loss&);
  Loss(Loss&&) noexcept;
  Loss& operator=(const Loss&);
  Loss& operator=(Loss&&) noexcept;
  ~Loss();

  // (y_true, y_pred) -> the losses of the elements that are averaged: usually one for each sample.
  using Function = std::function<Value(const Value& y_true, const Value& y_pred)>;

  // Throws InvalidArgument for an unknown name, with a suggestion. The names are Keras's: of the class, of the function
  // ("log_cosh") and the short ones: mse, mae, mape, msle, bce, kld (also in capitals).
  Loss(const char* name);         // NOLINT(google-explicit-constructor): compile("adam", "mse")
  Loss(const std::string& name);  // NOLINT(google-explicit-constructor)
  // `reduction` as in LossOptions; throws InvalidArgument for another.
  Loss(Function function, std::string name, Config config = {}, std::string reduction = "sum_over_batch_size");

  // The loss as its reduction says; see LossOptions. `sample_weight` may be empty; it has the batch as first axis and
  // broadcasts over the rest. `mask` too, bool: elements where it is false do not count, in means neither.
  Value operator()(const Value& y_true, const Value& y_pred, const Value& sample_weight = {},
                   const Value& mask = {}) const;
  // Before weights and reduction.
  Value values(const Value& y_true, const Value& y_pred) const;
  const std::string& name() const { return name_; }
  const std::string& reduction() const { return reduction_; }
  const Config& config() const { return config_; }

  // For targets that are class numbers (for checks of labels before anything is trained).
  struct SparseLabels {
    int axis = -1;                             // the predictions' class axis
    std::optional<std::int64_t> ignored = {};  // the label whose elements do not count
    bool any_number = false;                   // the labels are not indices of that axis
  };
  // Null: targets are not class numbers.
  const SparseLabels* sparse_labels() const { return takes_classes_ ? &sparse_labels_ : nullptr; }
  // The same loss, known to take class numbers.
  Loss with_sparse_labels(SparseLabels labels) const;
  // The same loss, whose elements that are 0 do not count: not in the number of values either.
  Loss without_zeros() const;

 private:
  Function function_;
  std::string name_;
  Config config_;
  std::string reduction_;
  SparseLabels sparse_labels_;
  bool takes_classes_ = false, zeros_count_ = true;
};

namespace losses {

// What all losses take. `reduction` turns the values v of the elements, and the weights w of the samples, into one
// number:
//   "sum_over_batch_size", "mean"   sum(v * w) / number of values
//   "mean_with_sample_weight"       sum(v * w) / sum(w); without weights the mean
//   "sum"                           sum(v * w)
//   "none"                          nothing: v * w. compile() refuses it, since training needs one number.
// `name` empty: the class's.
struct LossOptions {
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
struct CrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0.0;  // in [0, 1]
  int axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
struct SparseCrossentropyOptions {
  bool from_logits = false;
  // A label whose elements do not count: not in the sum, and not in the number of values either.
  std::optional<std::int64_t> ignore_class = {};
  std::string reduction = "sum_over_batch_size";
  int axis = -1;
  std::string name = {};
};
struct BinaryFocalOptions {
  bool apply_class_balancing = false;
  double alpha = 0.25, gamma = 2.0;
  bool from_logits = false;
  double label_smoothing = 0.0;
  int axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
struct CategoricalFocalOptions {
  double alpha = 0.25, gamma = 2.0;
  bool from_logits = false;
  double label_smoothing = 0.0;
  int axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
struct CircleOptions {
  double gamma = 80.0;  // a factor of the similarities
  double margin = 0.4;
  bool remove_diagonal = true;  // an embedding is not compared with itself
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
struct DiceOptions {
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
  std::vector<int> axis = {};  // empty: over everything
};
struct TverskyOptions {
  double alpha = 0.5, beta = 0.5;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
  std::vector<int> axis = {};
};

// In the formulas, y are targets and p predictions, and means and sums go over the last axis unless said otherwise.
// Targets take the predictions' dtype; their shapes must agree but for a last axis of size 1. Throws InvalidArgument
// for options out of range.

Loss MeanSquaredError(LossOptions options = {});   // mean((y - p)^2)
Loss MeanAbsoluteError(LossOptions options = {});  // mean(|y - p|)
// 100 * mean(|y - p| / max(|y|, 1e-7))
Loss MeanAbsolutePercentageError(LossOptions options = {});
// mean((ln(max(y, 1e-7) + 1) - ln(max(p, 1e-7) + 1))^2)
Loss MeanSquaredLogarithmicError(LossOptions options = {});
// mean of e^2 / 2 where e = |y - p| <= delta, else delta * e - delta^2 / 2. `delta` must be positive.
Loss Huber(double delta = 1.0, LossOptions options = {});
// mean(ln(cosh(p - y)))
Loss LogCosh(LossOptions options = {});
// -sum(y * p) of y and p divided by their Euclidean norms over `axis`: -1 for equal directions.
Loss CosineSimilarity(int axis = -1, LossOptions options = {});

// mean over `axis` of -(y ln p + (1 - y) ln(1 - p)); p is a probability, clipped to [1e-7, 1 - 1e-7], or with
// `from_logits` the sigmoid's argument. Smoothing s makes y * (1 - s) + s / 2 of y.
Loss BinaryCrossentropy(CrossentropyOptions options = {});
// sum over `axis` of -y ln p, of probabilities made to sum to 1 or with `from_logits` of softmax's argument. Smoothing
// s makes y * (1 - s) + s / classes of y.
Loss CategoricalCrossentropy(CrossentropyOptions options = {});
// Labels are class numbers of any integer dtype (or whole floats), with or without an axis of size 1. They are checked
// on the host before any weight changes.
Loss SparseCategoricalCrossentropy(SparseCrossentropyOptions options = {});
// The binary crossentropy times (1 - q)^gamma with q = y p + (1 - y)(1 - p) (Lin et al., 2017); with
// `apply_class_balancing` also times alpha where y is 1 and 1 - alpha where it is 0.
Loss BinaryFocalCrossentropy(BinaryFocalOptions options = {});
// sum over `axis` of -alpha (1 - p)^gamma y ln p.
Loss CategoricalFocalCrossentropy(CategoricalFocalOptions options = {});
// sum(y ln(y / p)), both clipped to [1e-7, 1].
Loss KLDivergence(LossOptions options = {});
// mean(p - y ln(p + 1e-7))
Loss Poisson(LossOptions options = {});

// For targets -1 and 1; when all targets of a batch are 0 or 1 they are taken as -1 and 1.
Loss Hinge(LossOptions options = {});         // mean(max(1 - y p, 0))
Loss SquaredHinge(LossOptions options = {});  // mean(max(1 - y p, 0)^2)
// max(max((1 - y) p) - sum(y p) + 1, 0) for one-hot targets.
Loss CategoricalHinge(LossOptions options = {});

// 1 - 2 sum(y p) / (sum(y) + sum(p) + 1e-7), over `axis`.
Loss Dice(DiceOptions options = {});
// 1 - t / (t + alpha sum(y (1 - p)) + beta sum((1 - y) p) + 1e-7) with t = sum(y p), over `axis` (Salehi et al., 2017).
Loss Tversky(TverskyOptions options = {});

// (1 - p[y]^q) / q of class numbers y and probabilities p: from the crossentropy for q near 0 to the absolute error for
// q near 1, against labels that may be wrong (Zhang and Sabuncu, 2018). `q` must lie between 0 and 1.
Loss CategoricalGeneralizedCrossEntropy(double q = 0.5, LossOptions options = {});
// How well embeddings (n, d) of Euclidean norm 1 (UnitNormalization) lie together with those of the same class number
// y (n,) in the batch, and apart from the others (Sun et al., 2020): ln(1 + sum exp(g a_j (s_j - m)) sum exp(-g a_i
// (s_i
// - 1 + m))) over others j and its own i, with similarities s, g = gamma, m = margin and the weights a_j = max(s_j + m,
// 0), a_i = 1 + m - s_i. Elements of loss 0 (alone with their class) do not count in means.
Loss Circle(CircleOptions options = {});
// -ln of the probability of labels y (n, labels) whose times are not known, for logits p (n, time, classes); class 0 is
// the blank, and in y it fills up short rows: see ops::ctc_loss.
Loss CTC(LossOptions options = {});

}  // namespace losses

}  // namespace keratin
