#include "keratin/core/training/losses.h"

#include <algorithm>
#include <utility>

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/align.h"

namespace keratin {
namespace {

const std::vector<std::string> kReductions = {"sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"};

Value divide_or_zero(const Value& a, const Value& b) {
  return ops::where(ops::equal(b, 0.0), 0.0, a / ops::where(ops::equal(b, 0.0), 1.0, b));
}

double count_of(const Value& x) { return static_cast<double>(x.shape().size()); }

}  // namespace

Loss::Loss(const Loss&) = default;
Loss::Loss(Loss&&) noexcept = default;
Loss& Loss::operator=(const Loss&) = default;
Loss& Loss::operator=(Loss&&) noexcept = default;
Loss::~Loss() = default;
Loss::Loss(const char* name) : Loss(std::string(name)) {}
Loss::Loss(Function function, std::string name, Config config, std::string reduction)
    : function_(std::move(function)),
      name_(std::move(name)),
      config_(std::move(config)),
      reduction_(std::move(reduction)) {
  if (std::find(kReductions.begin(), kReductions.end(), reduction_) == kReductions.end()) {
    throw InvalidArgument("loss " + name_ +
                          ": reduction must be 'sum_over_batch_size', 'sum', 'mean', 'mean_with_sample_weight' or "
                          "'none', got '" +
                          reduction_ + "'" + did_you_mean(reduction_, kReductions));
  }
}

Loss Loss::with_sparse_labels(SparseLabels labels) const {
  Loss result = *this;
  result.sparse_labels_ = labels;
  result.takes_classes_ = true;
  return result;
}

Loss Loss::without_zeros() const {
  Loss result = *this;
  result.zeros_count_ = false;
  return result;
}

Value Loss::values(const Value& y_true, const Value& y_pred) const {
  if (takes_classes_) return function_(y_true, y_pred);
  // Keras: targets take the predictions' dtype, and ranks are made equal by an axis of size 1.
  const Value target = align_target(ops::cast(y_true, y_pred.dtype()), y_pred);
  // A function of the user's may compare what it likes.
  const bool own = config_.class_name().empty();
  if (!own && target.shape() != y_pred.shape()) {
    // A network output (n, 1) against targets (n, 5) would broadcast to a loss nobody meant.
    throw InvalidArgument("loss " + name_ + ": targets of shape " + y_true.shape().to_string() +
                          " do not match predictions of shape " + y_pred.shape().to_string());
  }
  return function_(target, y_pred);
}

Value Loss::operator()(const Value& y_true, const Value& y_pred, const Value& sample_weight, const Value& mask) const {
  Value v = values(y_true, y_pred);
  Value counts = mask;
  if (takes_classes_ && sparse_labels_.ignored) {
    counts = ops::not_equal(y_true, static_cast<double>(*sparse_labels_.ignored));
    counts = ops::reshape(counts, v.shape());
    Value also = mask;
    while (also && also.rank() < v.rank()) also = ops::expand_dims(also, -1);
    if (also) counts = ops::logical_and(counts, also);
  }
  if (!zeros_count_) {
    const Value positive = ops::greater(v, 0.0);
    counts = counts ? ops::logical_and(counts, positive) : positive;
  }
  Value weight = sample_weight;
  if (counts) {
    Value share = ops::cast(counts, v.dtype());
    // Elements that count weigh (all / those that count), so that the mean over all is the mean over those.
    if (reduction_ == "mean" || reduction_ == "sum_over_batch_size") {
      share = share * divide_or_zero(Value(Tensor::scalar(static_cast<float>(count_of(counts)))), ops::sum(share));
    }
    weight = weight ? align_weight(weight, share) * share : share;
  }
  if (weight) {
    // One number for the whole batch is weighted by each sample.
    weight = v.rank() == 0 ? ops::cast(weight, v.dtype()) : align_weight(weight, v);
  }
  if (weight) v = v * weight;
  if (reduction_ == "none") return v;
  if (reduction_ == "sum") return ops::sum(v);
  if (reduction_ == "mean_with_sample_weight" && weight) return divide_or_zero(ops::sum(v), ops::sum(weight));
  return ops::mean(v);
}

}  // namespace keratin
