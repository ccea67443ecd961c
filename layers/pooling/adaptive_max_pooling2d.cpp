#include "keratin/layers/pooling/adaptive_max_pooling2d.h"

#include "keratin/core/ops/nn.h"
#include "keratin/layers/detail/adaptive_pooling.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {

AdaptiveMaxPooling2D::AdaptiveMaxPooling2D(Size2D output_size, const LayerOptions& options)
    : Layer(detail::make_adaptive_pooling("AdaptiveMaxPooling2D", ops::adaptive_max_pool, detail::sizes_of(output_size),
                                          options)) {}

Layer AdaptiveMaxPooling2D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const Size2D output_size = detail::read_size2d(c, "output_size");
  return AdaptiveMaxPooling2D(output_size, detail::read_layer_options(c));
}

}  // namespace keratin
