#include "keratin/layers/regularization/spatial_dropout3d.h"

#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/noise_layer.h"

namespace keratin {

SpatialDropout3D::SpatialDropout3D(double rate, const SpatialDropoutOptions& options)
    : Layer(detail::make_spatial_dropout("SpatialDropout3D", 3, rate, options.seed, options.name)) {}

Layer SpatialDropout3D::from_config(ConfigReader& c) {
  const double rate = c.number("rate");
  detail::expect_channels_last(c);
  c.trainable();  // sees to the dtype
  return SpatialDropout3D(rate, {.seed = c.seed(), .name = c.name()});
}

}  // namespace keratin
