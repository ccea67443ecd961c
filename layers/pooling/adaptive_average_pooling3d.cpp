#include "keratin/layers/pooling/adaptive_average_pooling3d.h"

#include "keratin/core/ops/nn.h"
#include "keratin/layers/detail/adaptive_pooling.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {

AdaptiveAveragePooling3D::AdaptiveAveragePooling3D(Size3D output_size, const LayerOptions& options)
    : Layer(detail::make_adaptive_pooling("AdaptiveAveragePooling3D", ops::adaptive_average_pool,
                                          detail::sizes_of(output_size), options)) {}

Layer AdaptiveAveragePooling3D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const Size3D output_size = detail::read_size3d(c, "output_size");
  return AdaptiveAveragePooling3D(output_size, detail::read_layer_options(c));
}

}  // namespace keratin
