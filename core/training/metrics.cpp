#include "keratin/core/training/metrics.h"

#include <cmath>

#include "keratin/core/compiler/eager.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/training/align.h"
#include "keratin/core/training/detail/metric_support.h"

namespace keratin {

using detail::accumulate;
using detail::as_float;

std::vector<double> MetricImpl::results(std::span<const Tensor> state) const { return {result(state)}; }

Variable MetricImpl::add_state(const std::string& name, Shape shape, DType dtype) {
  Variable variable(name_ + "/" + name, std::move(shape), {.initializer = "zeros", .trainable = false, .dtype = dtype});
  variables_.push_back(variable);
  return variable;
}

namespace {

Value scalar(double x) { return constant(Tensor::scalar(static_cast<float>(x))); }

// The mean over all samples of values computed by a function of ops.
class MeanOfFunction final : public MetricImpl {
 public:
  MeanOfFunction(Loss::Function function, std::string name, ConfigValue config)
      : MetricImpl(std::move(name)),
        function_(std::move(function)),
        config_(std::move(config)),
        total_(add_state("total")),
        count_(add_state("count")) {}

  void update(TraceContext& trace, const Value& y_true, const Value& y_pred, const Value& sample_weight) override {
    Value values = as_float(function_(y_true, y_pred));
    Value count = scalar(static_cast<double>(values.shape().size()));
    if (sample_weight) {
      const Value weight = ops::broadcast_to(align_weight(sample_weight, values), values.shape());
      values = values * weight;
      count = ops::sum(weight);
    }
    accumulate(trace, total_, ops::sum(values));
    accumulate(trace, count_, count);
  }
  double result(std::span<const Tensor> state) const override {
    return detail::ratio_or_zero(state[0].item(), state[1].item());
  }
  bool uses_mask() const override { return true; }
  ConfigValue config() const override { return config_; }

 private:
  Loss::Function function_;
  ConfigValue config_;
  Variable total_, count_;
};

std::vector<Tensor> state_of(const MetricImpl& metric) {
  std::vector<Tensor> state;
  for (const Variable& variable : metric.variables()) state.push_back(variable.value());
  return state;
}

}  // namespace

Metric::Metric(const Metric&) = default;
Metric::Metric(Metric&&) noexcept = default;
Metric& Metric::operator=(const Metric&) = default;
Metric& Metric::operator=(Metric&&) noexcept = default;
Metric::~Metric() = default;
Metric::Metric(std::shared_ptr<MetricImpl> impl) : impl_(std::move(impl)) {}
Metric::Metric(const char* name) : Metric(std::string(name)) {}
Metric::Metric(std::function<std::shared_ptr<MetricImpl>()> make) : impl_(make()), make_(std::move(make)) {}
Metric::Metric(Loss::Function function, std::string name, ConfigValue config)
    : Metric([function, name, config]() -> std::shared_ptr<MetricImpl> {
        return std::make_shared<MeanOfFunction>(function, name, config);
      }) {}

Metric Metric::fresh() const {
  Metric copy = *this;
  if (make_) copy.impl_ = make_();
  return copy;
}

void Metric::update_state(const Value& y_true, const Value& y_pred, const Value& sample_weight) const {
  const VariablePtr no_random_step;
  TraceContext trace(Phase::evaluate, no_random_step, 0);
  impl_->update(trace, y_true, y_pred, sample_weight);
  Values values;
  for (const auto& [variable, value] : trace.assigned()) values.push_back(value);
  const std::vector<Tensor> computed = evaluate(values);
  std::size_t i = 0;
  for (const auto& [variable, value] : trace.assigned()) variable->set_value(computed[i++]);
}
double Metric::result() const { return impl_->result(state_of(*impl_)); }
std::vector<double> Metric::results() const { return impl_->results(state_of(*impl_)); }
void Metric::reset_state() const {
  for (const Variable& variable : impl_->variables()) variable.state()->reinitialize();
}

namespace metrics {

MeanTracker::MeanTracker(std::string name)
    : MetricImpl(std::move(name)), total_(add_state("total")), count_(add_state("count")) {}

void MeanTracker::update_value(TraceContext& trace, const Value& value, const Value& weight) {
  accumulate(trace, total_, as_float(value) * weight);
  accumulate(trace, count_, weight);
}
void MeanTracker::update(TraceContext& trace, const Value&, const Value& y_pred, const Value&) {
  update_value(trace, ops::mean(y_pred), scalar(1));
}
double MeanTracker::result(std::span<const Tensor> state) const {
  return detail::ratio_or_zero(state[0].item(), state[1].item());
}

namespace {

// Of values, each sample counting by the mean of its weights (Mean), or by all of them (Sum).
class OfValues final : public MetricImpl {
 public:
  OfValues(std::string name, bool mean) : MetricImpl(std::move(name)), mean_(mean), total_(add_state("total")) {
    if (mean_) count_ = add_state("count");
  }
  void update(TraceContext& trace, const Value& given, const Value& weights, const Value&) override {
    Value values = as_float(given);
    const double samples = values.rank() == 0 ? 1 : static_cast<double>(values.shape()[0]);
    const double inner = mean_ ? static_cast<double>(values.shape().size()) / samples : 1;
    Value count = scalar(samples);
    if (weights) {
      const Value weight = ops::broadcast_to(align_weight(weights, values), values.shape());
      values = values * weight;
      count = ops::sum(weight) * (1 / inner);
    }
    accumulate(trace, total_, ops::sum(values) * (1 / inner));
    if (mean_) accumulate(trace, count_, count);
  }
  double result(std::span<const Tensor> state) const override {
    return mean_ ? detail::ratio_or_zero(state[0].item(), state[1].item()) : state[0].item();
  }
  ConfigValue config() const override { return detail::metric_config(mean_ ? "Mean" : "Sum", name()); }

 private:
  bool mean_;
  Variable total_, count_;
};

}  // namespace

Metric Mean(std::string name) { return detail::metric_of<OfValues>(std::move(name), true); }
Metric Sum(std::string name) { return detail::metric_of<OfValues>(std::move(name), false); }

}  // namespace metrics

}  // namespace keratin
