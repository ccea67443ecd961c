#include "keratin/layers/reshaping/zero_padding1d.h"

#include "keratin/layers/detail/border_layer.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {

ZeroPadding1D::ZeroPadding1D(Border1D padding, const LayerOptions& options)
    : Layer(detail::make_zero_padding("ZeroPadding1D", {{padding.before, padding.after}}, false, options)) {}

Layer ZeroPadding1D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const Border1D padding = detail::read_border1d(c, "padding", 1);
  return ZeroPadding1D(padding, detail::read_layer_options(c));
}

}  // namespace keratin
