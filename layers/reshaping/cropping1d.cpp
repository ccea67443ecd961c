#include "keratin/layers/reshaping/cropping1d.h"

#include "keratin/layers/detail/border_layer.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {

Cropping1D::Cropping1D(Border1D cropping, const LayerOptions& options)
    : Layer(detail::make_cropping("Cropping1D", {{cropping.before, cropping.after}}, false, options)) {}

Layer Cropping1D::from_config(ConfigReader& c) {
  const Border1D cropping = detail::read_border1d(c, "cropping", 1);
  return Cropping1D(cropping, detail::read_layer_options(c));
}

}  // namespace keratin
