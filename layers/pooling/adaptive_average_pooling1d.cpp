#include "keratin/layers/pooling/adaptive_average_pooling1d.h"

#include "keratin/core/ops/nn.h"
#include "keratin/layers/detail/adaptive_pooling.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {

AdaptiveAveragePooling1D::AdaptiveAveragePooling1D(std::int64_t output_size, const LayerOptions& options)
    : Layer(detail::make_adaptive_pooling("AdaptiveAveragePooling1D", ops::adaptive_average_pool,
                                          detail::sizes_of(output_size), options)) {}

Layer AdaptiveAveragePooling1D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const std::int64_t output_size = detail::read_size1d(c, "output_size");
  return AdaptiveAveragePooling1D(output_size, detail::read_layer_options(c));
}

}  // namespace keratin
