#include "keratin/layers/regularization/spatial_dropout1d.h"

#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/noise_layer.h"

namespace keratin {

SpatialDropout1D::SpatialDropout1D(double rate, const SpatialDropoutOptions& options)
    : Layer(detail::make_spatial_dropout("SpatialDropout1D", 1, rate, options.seed, options.name)) {}

Layer SpatialDropout1D::from_config(ConfigReader& c) {
  const double rate = c.number("rate");
  c.trainable();  // sees to the dtype
  return SpatialDropout1D(rate, {.seed = c.seed(), .name = c.name()});
}

}  // namespace keratin
