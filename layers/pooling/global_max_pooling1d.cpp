#include "keratin/layers/pooling/global_max_pooling1d.h"

#include "keratin/core/ops/reduce.h"
#include "keratin/layers/detail/pooling_layer.h"

namespace keratin {

GlobalMaxPooling1D::GlobalMaxPooling1D(const GlobalPooling1DOptions& options)
    : Layer(detail::make_global_pooling("GlobalMaxPooling1D", 1, ops::max, options)) {}

Layer GlobalMaxPooling1D::from_config(ConfigReader& c) {
  return GlobalMaxPooling1D(detail::read_global_pooling_options<GlobalPooling1DOptions>(c));
}

}  // namespace keratin
