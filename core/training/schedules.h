// Learning-rate schedules (keras.optimizers.schedules): ops on the number of steps done.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keratin/core/graph/value.h"
#include "keratin/core/model/config.h"

namespace keratin {

class Schedule {
 public:
  // The learning rate, a float32 scalar, for `step`, a float32 scalar.
  using Function = std::function<Value(const Value& step)>;
  Schedule(Function function, Config config) : function_(std::move(function)), config_(std::move(config)) {}
  Value operator()(const Value& step) const { return function_(step); }
  // The learning rate after `step` steps, as a number.
  double at(std::int64_t step) const;
  const Config& config() const { return config_; }

 private:
  Function function_;
  Config config_;
};

namespace schedules {

struct DecayOptions {
  bool staircase = false;
};
struct PolynomialOptions {
  double end_learning_rate = 0.0001, power = 1.0;
  bool cycle = false;
};
struct CosineOptions {
  double alpha = 0.0, warmup_target = -1;  // warmup_target < 0: none
  std::int64_t warmup_steps = 0;
};
struct RestartOptions {
  double t_mul = 2.0, m_mul = 1.0, alpha = 0.0;
};

Schedule ExponentialDecay(double initial_learning_rate, double decay_steps, double decay_rate,
                          DecayOptions options = {});
Schedule InverseTimeDecay(double initial_learning_rate, double decay_steps, double decay_rate,
                          DecayOptions options = {});
// values has one number more than boundaries; step <= boundaries[0] gives values[0], and so on.
Schedule PiecewiseConstantDecay(std::vector<std::int64_t> boundaries, std::vector<double> values);
Schedule PolynomialDecay(double initial_learning_rate, double decay_steps, PolynomialOptions options = {});
Schedule CosineDecay(double initial_learning_rate, double decay_steps, CosineOptions options = {});
Schedule CosineDecayRestarts(double initial_learning_rate, double first_decay_steps, RestartOptions options = {});

}  // namespace schedules

}  // namespace keratin
