#include "keratin/layers/pooling/global_max_pooling2d.h"

#include "keratin/core/ops/reduce.h"
#include "keratin/layers/detail/pooling2d_layer.h"

namespace keratin {

GlobalMaxPooling2D::GlobalMaxPooling2D(const GlobalPooling2DOptions& options)
    : Layer(detail::make_global_pooling2d("GlobalMaxPooling2D", ops::max, options)) {}

Layer GlobalMaxPooling2D::from_config(ConfigReader& c) {
  return GlobalMaxPooling2D(detail::read_global_pooling2d_options(c));
}

}  // namespace keratin
