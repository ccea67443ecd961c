#include "keratin/layers/reshaping/cropping3d.h"

#include "keratin/layers/detail/border_layer.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {

Cropping3D::Cropping3D(Border3D cropping, const LayerOptions& options)
    : Layer(detail::make_cropping("Cropping3D", {cropping.depth, cropping.height, cropping.width}, true, options)) {}

Layer Cropping3D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const Border3D cropping = detail::read_border3d(c, "cropping", 1);
  return Cropping3D(cropping, detail::read_layer_options(c));
}

}  // namespace keratin
