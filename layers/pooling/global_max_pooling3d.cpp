#include "keratin/layers/pooling/global_max_pooling3d.h"

#include "keratin/core/ops/reduce.h"
#include "keratin/layers/detail/pooling_layer.h"

namespace keratin {

GlobalMaxPooling3D::GlobalMaxPooling3D(const GlobalPooling3DOptions& options)
    : Layer(detail::make_global_pooling("GlobalMaxPooling3D", 3, ops::max, options)) {}

Layer GlobalMaxPooling3D::from_config(ConfigReader& c) {
  return GlobalMaxPooling3D(detail::read_global_pooling_options<GlobalPooling3DOptions>(c));
}

}  // namespace keratin
