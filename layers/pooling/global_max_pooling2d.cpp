#include "keratin/layers/pooling/global_max_pooling2d.h"

#include "keratin/core/ops/reduce.h"
#include "keratin/layers/detail/pooling_layer.h"

namespace keratin {

GlobalMaxPooling2D::GlobalMaxPooling2D(const GlobalPooling2DOptions& options)
    : Layer(detail::make_global_pooling("GlobalMaxPooling2D", 2, ops::max, options)) {}

Layer GlobalMaxPooling2D::from_config(ConfigReader& c) {
  return GlobalMaxPooling2D(detail::read_global_pooling_options<GlobalPooling2DOptions>(c));
}

}  // namespace keratin
