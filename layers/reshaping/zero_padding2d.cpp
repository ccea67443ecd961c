#include "keratin/layers/reshaping/zero_padding2d.h"

#include "keratin/layers/detail/border_layer.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {

ZeroPadding2D::ZeroPadding2D(Border2D padding, const LayerOptions& options)
    : Layer(detail::make_zero_padding("ZeroPadding2D", {padding.height, padding.width}, true, options)) {}

Layer ZeroPadding2D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const Border2D padding = detail::read_border2d(c, "padding", 1);
  return ZeroPadding2D(padding, detail::read_layer_options(c));
}

}  // namespace keratin
