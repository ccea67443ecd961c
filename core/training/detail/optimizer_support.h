// What the implementations of optimizers share.
#pragma once

#include <string>

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/optimizers.h"

namespace keratin::detail {

inline Value scalar(double x) { return constant(Tensor::scalar(static_cast<float>(x))); }

// beta^t for a constant beta.
inline Value power_of(double beta, const Value& t) { return ops::power(scalar(beta), t); }

inline void check_option(bool good, const char* optimizer, const char* rule, double value) {
  if (!good) {
    throw InvalidArgument(std::string("optimizers::") + optimizer + ": " + rule + ", got " + format_number(value));
  }
}
inline void check_epsilon(const char* optimizer, double epsilon) {
  check_option(epsilon >= 0, optimizer, "epsilon must not be negative", epsilon);
}
inline void check_betas(const char* optimizer, double beta_1, double beta_2) {
  check_option(beta_1 >= 0 && beta_1 < 1, optimizer, "beta_1 must be in [0, 1)", beta_1);
  check_option(beta_2 >= 0 && beta_2 < 1, optimizer, "beta_2 must be in [0, 1)", beta_2);
}

// The options that all optimizers have.
template <class Options>
OptimizerCommon common_of(const Options& o) {
  return {.weight_decay = o.weight_decay,
          .clipnorm = o.clipnorm,
          .clipvalue = o.clipvalue,
          .global_clipnorm = o.global_clipnorm,
          .use_ema = o.use_ema,
          .ema_momentum = o.ema_momentum,
          .ema_overwrite_frequency = o.ema_overwrite_frequency,
          .loss_scale_factor = o.loss_scale_factor,
          .gradient_accumulation_steps = o.gradient_accumulation_steps,
          .name = o.name};
}

}  // namespace keratin::detail
