#include "keratin/layers/regularization/spatial_dropout2d.h"

#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/noise_layer.h"

namespace keratin {

SpatialDropout2D::SpatialDropout2D(double rate, const SpatialDropoutOptions& options)
    : Layer(detail::make_spatial_dropout("SpatialDropout2D", 2, rate, options.seed, options.name)) {}

Layer SpatialDropout2D::from_config(ConfigReader& c) {
  const double rate = c.number("rate");
  detail::expect_channels_last(c);
  c.trainable();  // sees to the dtype
  return SpatialDropout2D(rate, {.seed = c.seed(), .name = c.name()});
}

}  // namespace keratin
