#include "keratin/layers/reshaping/zero_padding3d.h"

#include "keratin/layers/detail/border_layer.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {

ZeroPadding3D::ZeroPadding3D(Border3D padding, const LayerOptions& options)
    : Layer(detail::make_zero_padding("ZeroPadding3D", {padding.depth, padding.height, padding.width}, true, options)) {
}

Layer ZeroPadding3D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const Border3D padding = detail::read_border3d(c, "padding", 1);
  return ZeroPadding3D(padding, detail::read_layer_options(c));
}

}  // namespace keratin
