#include "keratin/layers/regularization/gaussian_dropout.h"

#include <cmath>

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/layer_support.h"
#include "keratin/layers/detail/noise_layer.h"

namespace keratin {
namespace {

double checked(double rate) {
  detail::require_rate_below_one("GaussianDropout", rate);
  return rate;
}

}  // namespace

GaussianDropout::GaussianDropout(double rate, const NoiseOptions& options)
    : Layer(detail::make_noise(
          "GaussianDropout", "rate", checked(rate),
          [](const Value& x, const Value& normal, double strength) {
            return x * (1.0 + normal * std::sqrt(strength / (1 - strength)));
          },
          options)) {}

Layer GaussianDropout::from_config(ConfigReader& c) {
  const double rate = c.number("rate");
  return GaussianDropout(rate, {.seed = c.seed(), .name = c.name(), .trainable = c.trainable()});
}

}  // namespace keratin
