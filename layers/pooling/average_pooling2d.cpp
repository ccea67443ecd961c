#include "keratin/layers/pooling/average_pooling2d.h"

#include "keratin/layers/detail/pooling2d_layer.h"

namespace keratin {

AveragePooling2D::AveragePooling2D(Size2D pool_size, const Pooling2DOptions& options)
    : Layer(detail::make_pooling2d("AveragePooling2D", ops::average_pool2d, pool_size, options)) {}

}  // namespace keratin
