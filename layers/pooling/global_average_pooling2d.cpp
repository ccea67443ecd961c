#include "keratin/layers/pooling/global_average_pooling2d.h"

#include "keratin/core/ops/reduce.h"
#include "keratin/layers/detail/pooling_layer.h"

namespace keratin {

GlobalAveragePooling2D::GlobalAveragePooling2D(const GlobalPooling2DOptions& options)
    : Layer(detail::make_global_pooling("GlobalAveragePooling2D", 2, ops::mean, options)) {}

Layer GlobalAveragePooling2D::from_config(ConfigReader& c) {
  return GlobalAveragePooling2D(detail::read_global_pooling_options<GlobalPooling2DOptions>(c));
}

}  // namespace keratin
