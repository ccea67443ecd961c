#include "keratin/layers/pooling/global_average_pooling3d.h"

#include "keratin/core/ops/reduce.h"
#include "keratin/layers/detail/pooling_layer.h"

namespace keratin {

GlobalAveragePooling3D::GlobalAveragePooling3D(const GlobalPooling3DOptions& options)
    : Layer(detail::make_global_pooling("GlobalAveragePooling3D", 3, ops::mean, options)) {}

Layer GlobalAveragePooling3D::from_config(ConfigReader& c) {
  return GlobalAveragePooling3D(detail::read_global_pooling_options<GlobalPooling3DOptions>(c));
}

}  // namespace keratin
