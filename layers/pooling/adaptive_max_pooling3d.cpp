#include "keratin/layers/pooling/adaptive_max_pooling3d.h"

#include "keratin/core/ops/nn.h"
#include "keratin/layers/detail/adaptive_pooling.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {

AdaptiveMaxPooling3D::AdaptiveMaxPooling3D(Size3D output_size, const LayerOptions& options)
    : Layer(detail::make_adaptive_pooling("AdaptiveMaxPooling3D", ops::adaptive_max_pool, detail::sizes_of(output_size),
                                          options)) {}

Layer AdaptiveMaxPooling3D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const Size3D output_size = detail::read_size3d(c, "output_size");
  return AdaptiveMaxPooling3D(output_size, detail::read_layer_options(c));
}

}  // namespace keratin
