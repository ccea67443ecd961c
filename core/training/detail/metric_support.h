// What the implementations of metrics share.
#pragma once

#include <memory>
#include <string>

#include "keratin/core/compiler/trace.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/metrics.h"

namespace keratin::detail {

inline Value as_float(const Value& x) { return ops::cast(x, DType::float32); }

inline Config metric_config(const char* class_name, const std::string& name, DType dtype = DType::float32) {
  Config config("keras.metrics", class_name);
  config.set("name", name).set("dtype", name_of(dtype));
  return config;
}

// state += amount
inline void accumulate(TraceContext& trace, const Variable& state, const Value& amount) {
  trace.assign(state.state(), trace.value_of(state.state()) + amount);
}

// A metric that may have several numbers, and the configuration that files hold.
class NumbersMetric : public MetricImpl {
 public:
  explicit NumbersMetric(Config config, std::string name) : MetricImpl(std::move(name)), config_(std::move(config)) {}
  ConfigValue config() const final { return config_; }
  std::vector<double> results(std::span<const Tensor> state) const override = 0;
  double result(std::span<const Tensor> state) const final {
    const std::vector<double> numbers = results(state);
    if (numbers.size() != 1) {
      throw InvalidArgument("metric " + name() + " has " + std::to_string(numbers.size()) +
                            " numbers; results() gives them all, and logs name them '" + name() + "[0]' and so on");
    }
    return numbers.front();
  }

 private:
  Config config_;
};

// The metric made by Impl(arguments...), anew for each model.
template <class Impl, class... Arguments>
Metric metric_of(Arguments... arguments) {
  return Metric([=]() -> std::shared_ptr<MetricImpl> { return std::make_shared<Impl>(arguments...); });
}

inline std::vector<double> to_doubles(const Tensor& tensor) {
  std::vector<double> result;
  visit_dtype(tensor.dtype(), [&]<class T>() {
    for (const T value : tensor.values<T>()) result.push_back(static_cast<double>(value));
  });
  return result;
}

inline double ratio_or_zero(double a, double b) { return b == 0 ? 0 : a / b; }

}  // namespace keratin::detail
