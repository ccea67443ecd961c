#include "keratin/layers/pooling/global_average_pooling1d.h"

#include "keratin/core/ops/reduce.h"
#include "keratin/layers/detail/pooling_layer.h"

namespace keratin {

GlobalAveragePooling1D::GlobalAveragePooling1D(const GlobalPooling1DOptions& options)
    : Layer(detail::make_global_pooling("GlobalAveragePooling1D", 1, ops::mean, options)) {}

Layer GlobalAveragePooling1D::from_config(ConfigReader& c) {
  return GlobalAveragePooling1D(detail::read_global_pooling_options<GlobalPooling1DOptions>(c));
}

}  // namespace keratin
