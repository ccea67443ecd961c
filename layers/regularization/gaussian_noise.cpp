#include "keratin/layers/regularization/gaussian_noise.h"

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/noise_layer.h"

namespace keratin {
namespace {

double checked(double stddev) {
  if (stddev >= 0 && stddev <= 1) return stddev;
  throw InvalidArgument("GaussianNoise: stddev must lie between 0 and 1, got " + format_number(stddev));
}

}  // namespace

GaussianNoise::GaussianNoise(double stddev, const NoiseOptions& options)
    : Layer(detail::make_noise(
          "GaussianNoise", "stddev", checked(stddev),
          [](const Value& x, const Value& normal, double strength) { return x + normal * strength; }, options)) {}

Layer GaussianNoise::from_config(ConfigReader& c) {
  const double stddev = c.number("stddev");
  return GaussianNoise(stddev, {.seed = c.seed(), .name = c.name(), .trainable = c.trainable()});
}

}  // namespace keratin
