#include "keratin/layers/pooling/adaptive_max_pooling1d.h"

#include "keratin/core/ops/nn.h"
#include "keratin/layers/detail/adaptive_pooling.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {

AdaptiveMaxPooling1D::AdaptiveMaxPooling1D(std::int64_t output_size, const LayerOptions& options)
    : Layer(detail::make_adaptive_pooling("AdaptiveMaxPooling1D", ops::adaptive_max_pool, detail::sizes_of(output_size),
                                          options)) {}

Layer AdaptiveMaxPooling1D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const std::int64_t output_size = detail::read_size1d(c, "output_size");
  return AdaptiveMaxPooling1D(output_size, detail::read_layer_options(c));
}

}  // namespace keratin
