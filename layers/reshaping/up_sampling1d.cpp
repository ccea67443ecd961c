#include "keratin/layers/reshaping/up_sampling1d.h"

#include "keratin/layers/detail/border_layer.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {

UpSampling1D::UpSampling1D(std::int64_t size, const LayerOptions& options)
    : Layer(detail::make_repeating("UpSampling1D", {size}, false, options)) {}

Layer UpSampling1D::from_config(ConfigReader& c) {
  const std::int64_t size = detail::read_size1d(c, "size", 2);
  return UpSampling1D(size, detail::read_layer_options(c));
}

}  // namespace keratin
