#include "keratin/layers/reshaping/cropping2d.h"

#include "keratin/layers/detail/border_layer.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {

Cropping2D::Cropping2D(Border2D cropping, const LayerOptions& options)
    : Layer(detail::make_cropping("Cropping2D", {cropping.height, cropping.width}, true, options)) {}

Layer Cropping2D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const Border2D cropping = detail::read_border2d(c, "cropping", 0);
  return Cropping2D(cropping, detail::read_layer_options(c));
}

}  // namespace keratin
