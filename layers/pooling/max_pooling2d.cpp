#include "keratin/layers/pooling/max_pooling2d.h"

#include "keratin/layers/detail/pooling_layer.h"

namespace keratin {

MaxPooling2D::MaxPooling2D(Size2D pool_size, const Pooling2DOptions& options)
    : Layer(detail::make_pooling("MaxPooling2D", ops::max_pool2d, pool_size, options)) {}

Layer MaxPooling2D::from_config(ConfigReader& c) {
  const Size2D pool_size = detail::read_size2d(c, "pool_size", 2);
  return MaxPooling2D(pool_size, detail::read_pooling_options<Pooling2DOptions>(c));
}

}  // namespace keratin
