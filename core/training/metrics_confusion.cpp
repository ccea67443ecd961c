// The metrics made of counts of true and false positives and negatives, at one threshold or several.
#include <algorithm>
#include <cctype>
#include <cmath>

#include "keratin/core/ops/gather.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/softmax.h"
#include "keratin/core/training/align.h"
#include "keratin/core/training/detail/metric_support.h"

namespace keratin {
namespace {

using detail::as_float;
using detail::metric_config;
using detail::ratio_or_zero;
using Numbers = std::vector<double>;

constexpr double kEpsilon = 1e-7;
constexpr double kNever = -1e10;  // the score of what cannot be positive

[[noreturn]] void fail(const std::string& metric, const std::string& what) {
  throw InvalidArgument(metric + ": " + what);
}

// 0, 1/(n-1), ..., 1
Numbers even_thresholds(int count) {
  Numbers result;
  for (int i = 0; i < count; ++i) result.push_back(count == 1 ? 0.5 : static_cast<double>(i) / (count - 1));
  return result;
}

bool are_even(const Numbers& thresholds) {
  if (thresholds.size() < 3) return false;
  const Numbers even = even_thresholds(static_cast<int>(thresholds.size()));
  for (std::size_t i = 0; i < even.size(); ++i) {
    if (!(std::abs(thresholds[i] - even[i]) <= kEpsilon + 1e-5 * even[i])) return false;
  }
  return true;
}

Numbers checked_thresholds(const std::string& metric, Numbers thresholds, double missing) {
  for (double t : thresholds) {
    if (!(t >= 0 && t <= 1)) fail(metric, "thresholds must be in [0, 1], got " + format_number(t));
  }
  if (thresholds.empty()) thresholds = {missing};
  return thresholds;
}

// As Keras was given them: nothing, a number, or a list.
ConfigValue thresholds_config(const Numbers& thresholds) {
  if (thresholds.empty()) return {};
  return thresholds.size() == 1 ? ConfigValue(thresholds.front()) : ConfigValue(thresholds);
}

// The scores that are not among the k highest of their row become kNever. Of equal ones the first counts.
Value only_top_k(const Value& p, int k, const std::string& metric) {
  if (k < 1 || k > p.shape()[-1]) {
    fail(metric, "top_k is " + std::to_string(k) + " for predictions of shape " + p.shape().to_string());
  }
  Value rest = p, kept;
  for (int i = 0; i < k; ++i) {
    const Value hot = ops::one_hot(ops::argmax(rest), p.shape()[-1]);
    kept = kept ? kept + hot : hot;
    rest = ops::where(ops::greater(hot, 0.0), -INFINITY, rest);
  }
  return p * kept + (1.0 - kept) * kNever;
}

Value only_class(const Value& x, int class_id, const std::string& metric) {
  if (x.rank() < 2 || class_id < 0 || class_id >= x.shape()[-1]) {
    fail(metric, "class_id is " + std::to_string(class_id) + " for predictions of shape " + x.shape().to_string());
  }
  std::vector<std::int64_t> begin(static_cast<std::size_t>(x.rank()), 0), size(begin.size(), -1);
  begin.back() = class_id;
  size.back() = 1;
  return ops::slice(x, begin, size);
}

// Counts for thresholds t (rows) and labels (columns); one column when labels are not told apart.
struct Confusion {
  Value tp, fp, tn, fn;
};

struct Counting {
  Numbers thresholds;
  std::optional<int> top_k = {}, class_id = {};
  bool multi_label = false;
  Numbers label_weights = {};
};

// Sums of the rows of `data` (elements, 2) by bucket, then of all buckets from each on: (labels, thresholds, 2).
Value sums_from_bucket_on(const Value& p, const Value& data, const Numbers& thresholds) {
  const auto count = static_cast<std::int64_t>(thresholds.size());
  const std::int64_t labels = p.shape()[1];
  // A prediction in (i, i + 1] / (count - 1) is above the thresholds 0..i.
  Value bucket = ops::ceil(ops::clip(p, 0, 1) * static_cast<double>(count - 1)) - 1.0;
  // Thresholds just outside of [0, 1]: a prediction of 0 is above the first one.
  if (thresholds.front() < 0) bucket = ops::relu(bucket);
  Value ids = ops::cast(bucket, DType::int32);
  if (labels > 1) ids = ids + ops::iota({1, labels}, 1) * static_cast<double>(count);
  const Value sums =
      apply(kTakeGrad, TakeGradAttrs{{labels * count, 2}}, {data, ops::reshape(ids, {p.shape().size()})}).front();
  const Value later =
      as_float(ops::greater_equal(ops::iota({count, count}, 1), ops::iota({count, count}, 0)));  // row i: i, i+1, ...
  return ops::matmul(later, ops::reshape(sums, {labels, count, 2}));
}

// (thresholds, labels) of what `sums` has at `which` on its last axis.
Value column(const Value& sums, std::int64_t which) {
  const Shape& s = sums.shape();
  return ops::transpose(ops::reshape(ops::slice(sums, {0, 0, which}, {-1, -1, 1}), {s[0], s[1]}), {1, 0});
}

Confusion confusion(const Counting& how, const std::string& metric, const Value& y_true, const Value& y_pred,
                    const Value& sample_weight) {
  Value p = as_float(y_pred), y = align_target(as_float(y_true), p);
  if (y.rank() == p.rank() + 1) p = ops::reshape(p, p.shape().concat({1}));
  if (y.shape() != p.shape()) {
    fail(metric, "targets of shape " + y_true.shape().to_string() + " do not match predictions of shape " +
                     y_pred.shape().to_string());
  }
  if (how.top_k) p = only_top_k(p, *how.top_k, metric);
  if (how.class_id) {
    p = only_class(p, *how.class_id, metric);
    y = only_class(y, *how.class_id, metric);
  }
  Value weight = ops::ones_like(p);
  if (sample_weight) weight = ops::broadcast_to(align_weight(sample_weight, p), p.shape());
  if (!how.label_weights.empty() && !how.multi_label) {
    if (static_cast<std::int64_t>(how.label_weights.size()) != p.shape()[-1]) {
      fail(metric, "there are " + std::to_string(how.label_weights.size()) +
                       " label_weights for predictions of shape " + p.shape().to_string());
    }
    std::vector<float> weights(how.label_weights.begin(), how.label_weights.end());
    weight = weight * Value(Tensor({p.shape()[-1]}, weights));
  }
  if (how.multi_label && p.rank() != 2) {
    fail(metric, "with multi_label, predictions must be (samples, labels), got " + p.shape().to_string());
  }
  const std::int64_t labels = how.multi_label ? p.shape()[-1] : 1;
  const Shape matrix{p.shape().size() / labels, labels};
  p = ops::reshape(p, matrix);
  const Value yes = as_float(ops::not_equal(ops::reshape(y, matrix), 0.0)), w = ops::reshape(weight, matrix);
  const Value right = yes * w, wrong = (1.0 - yes) * w;
  Confusion result;
  if (are_even(how.thresholds)) {
    const Shape each{p.shape().size(), 1};
    const Value data = ops::concatenate({ops::reshape(right, each), ops::reshape(wrong, each)}, 1);
    const Value sums = sums_from_bucket_on(p, data, how.thresholds);
    result.tp = column(sums, 0);
    result.fp = column(sums, 1);
  } else {
    const std::vector<float> values(how.thresholds.begin(), how.thresholds.end());
    const Value thresholds(Tensor({static_cast<std::int64_t>(values.size()), 1, 1}, values));
    const Value above = as_float(ops::greater(ops::expand_dims(p, 0), thresholds));
    result.tp = ops::sum(above * right, {1});
    result.fp = ops::sum(above * wrong, {1});
  }
  result.fn = ops::sum(right, {0}, true) - result.tp;
  result.tn = ops::sum(wrong, {0}, true) - result.fp;
  return result;
}

Shape state_shape(const Counting& how, std::int64_t labels) {
  return {static_cast<std::int64_t>(how.thresholds.size()), labels};
}

enum class Count { tp, fp, tn, fn };
constexpr const char* kCountNames[] = {"true_positives", "false_positives", "true_negatives", "false_negatives"};

const Value& chosen(const Confusion& c, Count which) {
  return which == Count::tp ? c.tp : which == Count::fp ? c.fp : which == Count::tn ? c.tn : c.fn;
}

// Some of the counts, for all batches so far.
class CountingMetric : public detail::NumbersMetric {
 public:
  CountingMetric(Config config, std::string name, Counting how, std::vector<Count> counts)
      : NumbersMetric(std::move(config), std::move(name)), how_(std::move(how)), counts_(std::move(counts)) {
    if (!how_.multi_label) make_state(1);
  }
  void update(TraceContext& trace, const Value& y_true, const Value& y_pred, const Value& sample_weight) override {
    const Confusion batch = confusion(how_, "metric " + name(), y_true, y_pred, sample_weight);
    if (variables().empty()) make_state(batch.tp.shape()[1]);
    const std::vector<Variable> states = variables();
    if (states[0].shape() != batch.tp.shape()) {
      fail("metric " + name(), "it has counts for " + std::to_string(states[0].shape()[1]) + " labels, got " +
                                   std::to_string(batch.tp.shape()[1]));
    }
    for (std::size_t i = 0; i < counts_.size(); ++i) detail::accumulate(trace, states[i], chosen(batch, counts_[i]));
  }

 protected:
  const Counting& how() const { return how_; }
  void make_state(std::int64_t labels) {
    for (const Count count : counts_) add_state(kCountNames[static_cast<int>(count)], state_shape(how_, labels));
  }
  // The numbers of each count; zeros before the first batch.
  std::vector<Numbers> counted(std::span<const Tensor> state) const {
    std::vector<Numbers> result;
    for (const Tensor& tensor : state) result.push_back(detail::to_doubles(tensor));
    if (result.empty()) result.assign(counts_.size(), Numbers(how_.thresholds.size()));
    return result;
  }

 private:
  Counting how_;
  std::vector<Count> counts_;
};

class OneCount final : public CountingMetric {
 public:
  using CountingMetric::CountingMetric;
  Numbers results(std::span<const Tensor> state) const override { return counted(state)[0]; }
};

Metric one_count(const char* class_name, const char* default_name, Count count, const metrics::CountOptions& options) {
  const std::string name = options.name.empty() ? default_name : options.name;
  const Config config = metric_config(class_name, name).set("thresholds", thresholds_config(options.thresholds));
  return detail::metric_of<OneCount>(config, name, Counting{checked_thresholds(class_name, options.thresholds, 0.5)},
                                     std::vector<Count>{count});
}

// First count / (first + second): precision and recall.
class Share final : public CountingMetric {
 public:
  using CountingMetric::CountingMetric;
  Numbers results(std::span<const Tensor> state) const override {
    const std::vector<Numbers> c = counted(state);
    Numbers result;
    for (std::size_t i = 0; i < c[0].size(); ++i) result.push_back(ratio_or_zero(c[0][i], c[0][i] + c[1][i]));
    return result;
  }
};

Metric share(const char* class_name, const char* default_name, Count second, const metrics::PrecisionOptions& options) {
  const std::string name = options.name.empty() ? default_name : options.name;
  Config config = metric_config(class_name, name).set("thresholds", thresholds_config(options.thresholds));
  config.set("top_k", options.top_k).set("class_id", options.class_id);
  if (options.top_k && *options.top_k < 1) fail(class_name, "top_k must be positive");
  const Counting how{.thresholds = checked_thresholds(class_name, options.thresholds, options.top_k ? kNever : 0.5),
                     .top_k = options.top_k,
                     .class_id = options.class_id};
  return detail::metric_of<Share>(config, name, how, std::vector<Count>{Count::tp, second});
}

// The four counts, and the shares made of them at threshold i.
struct Shares {
  std::vector<Numbers> c;  // tp, fp, tn, fn
  double recall(std::size_t i) const { return ratio_or_zero(c[0][i], c[0][i] + c[3][i]); }
  double precision(std::size_t i) const { return ratio_or_zero(c[0][i], c[0][i] + c[1][i]); }
  double specificity(std::size_t i) const { return ratio_or_zero(c[2][i], c[2][i] + c[1][i]); }
  double false_rate(std::size_t i) const { return ratio_or_zero(c[1][i], c[1][i] + c[2][i]); }
};
const std::vector<Count> kAllCounts = {Count::tp, Count::fp, Count::tn, Count::fn};
using Member = double (Shares::*)(std::size_t) const;

// The largest `wanted` where `bound` is at least a value.
class BestAt final : public CountingMetric {
 public:
  BestAt(Config config, std::string name, Counting how, Member bound, Member wanted, double value)
      : CountingMetric(std::move(config), std::move(name), std::move(how), kAllCounts),
        bound_(bound),
        wanted_(wanted),
        value_(value) {}
  Numbers results(std::span<const Tensor> state) const override {
    const Shares shares{counted(state)};
    double best = 0;
    for (std::size_t i = 0; i < how().thresholds.size(); ++i) {
      // In float, as the counts' shares are compared in Keras: 0.7f is not below 0.7.
      const bool good = static_cast<float>((shares.*bound_)(i)) >= static_cast<float>(value_);
      if (good) best = std::max(best, (shares.*wanted_)(i));
    }
    return {best};
  }

 private:
  Member bound_, wanted_;
  double value_;
};

Metric best_at(const char* class_name, const char* default_name, const char* key, double value, Member bound,
               Member wanted, const metrics::AtOptions& options) {
  if (!(value >= 0 && value <= 1))
    fail(class_name, std::string(key) + " must be in [0, 1], got " + format_number(value));
  if (options.num_thresholds < 1) fail(class_name, "num_thresholds must be positive");
  const std::string name = options.name.empty() ? default_name : options.name;
  Config config = metric_config(class_name, name).set("class_id", options.class_id);
  config.set("num_thresholds", options.num_thresholds).set(key, value);
  const Counting how{.thresholds = even_thresholds(options.num_thresholds), .class_id = options.class_id};
  return detail::metric_of<BestAt>(config, name, how, bound, wanted, value);
}

class AreaUnderCurve final : public CountingMetric {
 public:
  AreaUnderCurve(Config config, std::string name, Counting how, metrics::AUCOptions options)
      : CountingMetric(std::move(config), std::move(name), std::move(how), kAllCounts), options_(std::move(options)) {
    if (options_.multi_label && options_.num_labels) make_state(*options_.num_labels);
  }
  Numbers results(std::span<const Tensor> state) const override {
    const std::vector<Numbers> all = counted(state);
    const std::size_t thresholds = how().thresholds.size(), labels = all[0].size() / thresholds;
    double area = 0, weights = 0;
    for (std::size_t label = 0; label < labels; ++label) {
      Shares shares;
      for (const Numbers& count : all) {
        Numbers& own = shares.c.emplace_back();
        for (std::size_t i = 0; i < thresholds; ++i) own.push_back(count[i * labels + label]);
      }
      const bool weighted = options_.multi_label && !options_.label_weights.empty();
      if (weighted && options_.label_weights.size() != labels) {
        fail("metric " + name(), "there are " + std::to_string(options_.label_weights.size()) + " label_weights for " +
                                     std::to_string(labels) + " labels");
      }
      const double weight = weighted ? options_.label_weights[label] : 1;
      const bool interpolated_pr = options_.curve == "PR" && options_.summation_method == "interpolation";
      area += weight * (interpolated_pr ? interpolated(shares.c) : summed(shares));
      weights += weight;
    }
    return {ratio_or_zero(area, weights)};
  }

  void update(TraceContext& trace, const Value& y_true, const Value& y_pred, const Value& sample_weight) override {
    const Value p = options_.from_logits ? ops::sigmoid(as_float(y_pred)) : y_pred;
    CountingMetric::update(trace, y_true, p, sample_weight);
  }

 private:
  // A point of the curve.
  std::pair<double, double> point(const Shares& s, std::size_t i) const {
    if (options_.curve == "ROC") return {s.false_rate(i), s.recall(i)};
    if (options_.curve == "PR") return {s.recall(i), s.precision(i)};
    // Flach and Kull (2015), with 0 and 1 where there are no true positives.
    const double tp = s.c[0][i], fp = s.c[1][i], tn = s.c[2][i], fn = s.c[3][i];
    if (tp == 0) return {0, 1};
    const double scale = ratio_or_zero(tp + fn, tn + fp);
    return {std::max(0.0, 1 - scale * fn / tp), 1 - scale * fp / tp};
  }
  double summed(const Shares& s) const {
    double area = 0;
    for (std::size_t i = 0; i + 1 < how().thresholds.size(); ++i) {
      const auto [x0, y0] = point(s, i);
      const auto [x1, y1] = point(s, i + 1);
      const double height = options_.summation_method == "minoring"   ? std::min(y0, y1)
                            : options_.summation_method == "majoring" ? std::max(y0, y1)
                                                                      : (y0 + y1) / 2;
      area += (x0 - x1) * height;
    }
    return area;
  }
  // Davis and Goadrich (2006): between two points true positives grow linearly with all positives.
  double interpolated(const std::vector<Numbers>& c) const {
    const Numbers &tp = c[0], &fp = c[1], &fn = c[3];
    double area = 0;
    for (std::size_t i = 0; i + 1 < how().thresholds.size(); ++i) {
      const double p0 = tp[i] + fp[i], p1 = tp[i + 1] + fp[i + 1], dtp = tp[i] - tp[i + 1];
      const double slope = ratio_or_zero(dtp, std::max(p0 - p1, 0.0));
      const double intercept = tp[i + 1] - slope * p1;
      const double ratio = p0 > 0 && p1 > 0 ? p0 / p1 : 1;
      area += ratio_or_zero(slope * (dtp + intercept * std::log(ratio)), std::max(tp[i + 1] + fn[i + 1], 0.0));
    }
    return area;
  }

  metrics::AUCOptions options_;
};

}  // namespace

namespace metrics {

Metric TruePositives(CountOptions options) { return one_count("TruePositives", "true_positives", Count::tp, options); }
Metric TrueNegatives(CountOptions options) { return one_count("TrueNegatives", "true_negatives", Count::tn, options); }
Metric FalsePositives(CountOptions options) {
  return one_count("FalsePositives", "false_positives", Count::fp, options);
}
Metric FalseNegatives(CountOptions options) {
  return one_count("FalseNegatives", "false_negatives", Count::fn, options);
}

Metric Precision(PrecisionOptions options) { return share("Precision", "precision", Count::fp, options); }
Metric Recall(RecallOptions options) { return share("Recall", "recall", Count::fn, options); }

Metric SensitivityAtSpecificity(double specificity, AtOptions options) {
  return best_at("SensitivityAtSpecificity", "sensitivity_at_specificity", "specificity", specificity,
                 &Shares::specificity, &Shares::recall, options);
}
Metric SpecificityAtSensitivity(double sensitivity, AtOptions options) {
  return best_at("SpecificityAtSensitivity", "specificity_at_sensitivity", "sensitivity", sensitivity, &Shares::recall,
                 &Shares::specificity, options);
}
Metric PrecisionAtRecall(double recall, AtOptions options) {
  return best_at("PrecisionAtRecall", "precision_at_recall", "recall", recall, &Shares::recall, &Shares::precision,
                 options);
}
Metric RecallAtPrecision(double precision, AtOptions options) {
  return best_at("RecallAtPrecision", "recall_at_precision", "precision", precision, &Shares::precision,
                 &Shares::recall, options);
}

Metric AUC(AUCOptions o) {
  const auto one_of = [](const char* what, const std::string& given, std::initializer_list<const char*> known) {
    for (const char* each : known) {
      if (given == each) return;
    }
    fail("AUC", std::string(what) + " '" + given + "' is not one of those known" +
                    did_you_mean(given, std::vector<std::string>(known.begin(), known.end())));
  };
  // Keras takes "pr" and "Interpolation" as well.
  for (char& c : o.curve) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  for (char& c : o.summation_method) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  one_of("curve", o.curve, {"ROC", "PR", "PRGAIN"});
  one_of("summation_method", o.summation_method, {"interpolation", "minoring", "majoring"});
  if (o.num_labels && !o.multi_label) fail("AUC", "num_labels needs multi_label");
  if (o.num_labels && *o.num_labels < 1) fail("AUC", "num_labels must be positive");
  if (o.thresholds.empty() && o.num_thresholds < 2) fail("AUC", "num_thresholds must be above 1");
  Numbers thresholds =
      o.thresholds.empty() ? even_thresholds(o.num_thresholds) : checked_thresholds("AUC", o.thresholds, 0.5);
  if (!o.thresholds.empty()) {
    std::sort(thresholds.begin(), thresholds.end());
    thresholds.insert(thresholds.begin(), 0);
    thresholds.push_back(1);
  }
  // Just outside of [0, 1], so that the first and the last are below and above every prediction.
  thresholds.front() = -kEpsilon;
  thresholds.back() = 1 + kEpsilon;
  if (o.name.empty()) o.name = "auc";
  Config config = metric_config("AUC", o.name);
  config.set("num_thresholds", static_cast<int>(thresholds.size())).set("curve", o.curve);
  config.set("summation_method", o.summation_method).set("multi_label", o.multi_label).set("num_labels", o.num_labels);
  config.set("label_weights", o.label_weights.empty() ? ConfigValue() : ConfigValue(o.label_weights));
  config.set("from_logits", o.from_logits);
  if (!o.thresholds.empty()) config.set("thresholds", Numbers(thresholds.begin() + 1, thresholds.end() - 1));
  const Counting how{
      .thresholds = std::move(thresholds), .multi_label = o.multi_label, .label_weights = o.label_weights};
  return detail::metric_of<AreaUnderCurve>(config, o.name, how, o);
}

}  // namespace metrics

}  // namespace keratin
