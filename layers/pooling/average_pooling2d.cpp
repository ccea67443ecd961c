#include "keratin/layers/pooling/average_pooling2d.h"

#include "keratin/layers/detail/pooling_layer.h"

namespace keratin {

AveragePooling2D::AveragePooling2D(Size2D pool_size, const Pooling2DOptions& options)
    : Layer(detail::make_pooling("AveragePooling2D", ops::average_pool2d, pool_size, options)) {}

Layer AveragePooling2D::from_config(ConfigReader& c) {
  const Size2D pool_size = detail::read_size2d(c, "pool_size", 2);
  return AveragePooling2D(pool_size, detail::read_pooling_options<Pooling2DOptions>(c));
}

}  // namespace keratin
