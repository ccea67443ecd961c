#include "keratin/layers/pooling/max_pooling3d.h"

#include "keratin/layers/detail/pooling_layer.h"

namespace keratin {

MaxPooling3D::MaxPooling3D(Size3D pool_size, const Pooling3DOptions& options)
    : Layer(detail::make_pooling("MaxPooling3D", ops::max_pool2d, pool_size, options)) {}

Layer MaxPooling3D::from_config(ConfigReader& c) {
  const Size3D pool_size = detail::read_size3d(c, "pool_size", 2);
  return MaxPooling3D(pool_size, detail::read_pooling_options<Pooling3DOptions>(c));
}

}  // namespace keratin
