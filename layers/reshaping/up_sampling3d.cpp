#include "keratin/layers/reshaping/up_sampling3d.h"

#include "keratin/layers/detail/border_layer.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {

UpSampling3D::UpSampling3D(Size3D size, const LayerOptions& options)
    : Layer(detail::make_repeating("UpSampling3D", detail::sizes_of(size), true, options)) {}

Layer UpSampling3D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const Size3D size = detail::read_size3d(c, "size", 2);
  return UpSampling3D(size, detail::read_layer_options(c));
}

}  // namespace keratin
