#include "keratin/layers/pooling/average_pooling3d.h"

#include "keratin/layers/detail/pooling_layer.h"

namespace keratin {

AveragePooling3D::AveragePooling3D(Size3D pool_size, const Pooling3DOptions& options)
    : Layer(detail::make_pooling("AveragePooling3D", ops::average_pool2d, pool_size, options)) {}

Layer AveragePooling3D::from_config(ConfigReader& c) {
  const Size3D pool_size = detail::read_size3d(c, "pool_size");
  return AveragePooling3D(pool_size, detail::read_pooling_options<Pooling3DOptions>(c));
}

}  // namespace keratin
