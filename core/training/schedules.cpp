#include "keratin/core/training/schedules.h"

#include <cmath>
#include <numbers>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

Value number(double x) { return constant(Tensor::scalar(static_cast<float>(x))); }
// b^x for a constant b > 0.
Value power_of(double b, const Value& x) { return ops::exp(x * std::log(b)); }

void check_positive(const char* schedule, const char* argument, double value) {
  if (!(value > 0)) {
    throw InvalidArgument(std::string(schedule) + ": " + argument + " must be positive, got " + format_number(value));
  }
}

}  // namespace

double Schedule::at(std::int64_t step) const {
  return function_(constant(Tensor::scalar(static_cast<float>(step)))).tensor().item();
}

namespace schedules {

Schedule ExponentialDecay(double initial, double decay_steps, double decay_rate, DecayOptions options) {
  check_positive("ExponentialDecay", "decay_steps", decay_steps);
  check_positive("ExponentialDecay", "decay_rate", decay_rate);
  Config config("keras.optimizers.schedules", "ExponentialDecay");
  config.set("initial_learning_rate", initial).set("decay_steps", decay_steps).set("decay_rate", decay_rate);
  config.set("staircase", options.staircase).set("name", "ExponentialDecay");
  // initial * rate^(step / decay_steps)
  auto function = [=](const Value& step) {
    Value p = step / decay_steps;
    if (options.staircase) p = ops::floor(p);
    return power_of(decay_rate, p) * initial;
  };
  return Schedule(function, config);
}

Schedule InverseTimeDecay(double initial, double decay_steps, double decay_rate, DecayOptions options) {
  check_positive("InverseTimeDecay", "decay_steps", decay_steps);
  Config config("keras.optimizers.schedules", "InverseTimeDecay");
  config.set("initial_learning_rate", initial).set("decay_steps", decay_steps).set("decay_rate", decay_rate);
  config.set("staircase", options.staircase).set("name", "InverseTimeDecay");
  // initial / (1 + rate * step / decay_steps)
  auto function = [=](const Value& step) {
    Value p = step / decay_steps;
    if (options.staircase) p = ops::floor(p);
    return number(initial) / (p * decay_rate + 1.0);
  };
  return Schedule(function, config);
}

Schedule PiecewiseConstantDecay(std::vector<std::int64_t> boundaries, std::vector<double> values) {
  if (values.size() != boundaries.size() + 1) {
    throw InvalidArgument("PiecewiseConstantDecay: expected one value more than boundaries, got " +
                          std::to_string(boundaries.size()) + " boundaries and " + std::to_string(values.size()) +
                          " values");
  }
  for (std::size_t i = 1; i < boundaries.size(); ++i) {
    if (boundaries[i] <= boundaries[i - 1]) throw InvalidArgument("PiecewiseConstantDecay: boundaries must ascend");
  }
  Config config("keras.optimizers.schedules", "PiecewiseConstantDecay");
  config.set("boundaries", boundaries).set("values", values).set("name", "PiecewiseConstant");
  auto function = [=](const Value& step) {
    Value rate = number(values.back());
    for (std::size_t i = boundaries.size(); i-- > 0;) {
      rate = ops::where(ops::less_equal(step, static_cast<double>(boundaries[i])), number(values[i]), rate);
    }
    return rate;
  };
  return Schedule(function, config);
}

Schedule PolynomialDecay(double initial, double decay_steps, PolynomialOptions options) {
  check_positive("PolynomialDecay", "decay_steps", decay_steps);
  Config config("keras.optimizers.schedules", "PolynomialDecay");
  config.set("initial_learning_rate", initial).set("decay_steps", decay_steps);
  config.set("end_learning_rate", options.end_learning_rate).set("power", options.power).set("cycle", options.cycle);
  config.set("name", "PolynomialDecay");
  // (initial - end) * (1 - step/steps)^power + end, with steps a multiple of decay_steps when cycling
  auto function = [=](const Value& step) {
    Value p;
    if (options.cycle) {
      const Value cycles = ops::maximum(ops::ceil(step / decay_steps), 1.0);
      p = step / (cycles * decay_steps);
    } else {
      p = ops::minimum(step, decay_steps) / decay_steps;
    }
    return ops::power(number(1.0) - p, options.power) * (initial - options.end_learning_rate) +
           options.end_learning_rate;
  };
  return Schedule(function, config);
}

Schedule CosineDecay(double initial, double decay_steps, CosineOptions options) {
  check_positive("CosineDecay", "decay_steps", decay_steps);
  Config config("keras.optimizers.schedules", "CosineDecay");
  config.set("initial_learning_rate", initial).set("decay_steps", decay_steps).set("alpha", options.alpha);
  config.set("name", "CosineDecay");
  config.set("warmup_target", options.warmup_target < 0 ? ConfigValue() : ConfigValue(options.warmup_target));
  config.set("warmup_steps", options.warmup_steps);
  auto decay = [=](const Value& step, double from) {
    const Value p = ops::minimum(step, decay_steps) / decay_steps;
    const Value cosine = (ops::cos(p * std::numbers::pi) + 1.0) * 0.5;
    return (cosine * (1 - options.alpha) + options.alpha) * from;
  };
  if (options.warmup_target < 0) {
    return Schedule([=](const Value& step) { return decay(step, initial); }, config);
  }
  const double warmup = static_cast<double>(options.warmup_steps);
  auto function = [=](const Value& step) {
    const Value rising = step / std::max(warmup, 1.0) * (options.warmup_target - initial) + initial;
    const Value falling = decay(ops::maximum(step - warmup, 0.0), options.warmup_target);
    return ops::where(ops::less(step, warmup), rising, falling);
  };
  return Schedule(function, config);
}

Schedule CosineDecayRestarts(double initial, double first_decay_steps, RestartOptions options) {
  check_positive("CosineDecayRestarts", "first_decay_steps", first_decay_steps);
  check_positive("CosineDecayRestarts", "t_mul", options.t_mul);
  check_positive("CosineDecayRestarts", "m_mul", options.m_mul);
  Config config("keras.optimizers.schedules", "CosineDecayRestarts");
  config.set("initial_learning_rate", initial).set("first_decay_steps", first_decay_steps);
  config.set("t_mul", options.t_mul).set("m_mul", options.m_mul).set("alpha", options.alpha).set("name", "SGDRDecay");
  auto function = [=](const Value& step) {
    const Value done = step / first_decay_steps;
    Value restarts, fraction;
    if (options.t_mul == 1.0) {
      restarts = ops::floor(done);
      fraction = done - restarts;
    } else {
      // The i-th period begins after (1 - t^i) / (1 - t) first periods and is t^i of them long.
      const double t = options.t_mul;
      restarts = ops::floor(ops::log(number(1.0) - done * (1 - t)) / std::log(t));
      const Value length = power_of(t, restarts);
      fraction = (done - (number(1.0) - length) / (1 - t)) / length;
    }
    const Value height = power_of(options.m_mul, restarts);
    const Value cosine = height * 0.5 * (ops::cos(fraction * std::numbers::pi) + 1.0);
    return (cosine * (1 - options.alpha) + options.alpha) * initial;
  };
  return Schedule(function, config);
}

}  // namespace schedules

}  // namespace keratin
