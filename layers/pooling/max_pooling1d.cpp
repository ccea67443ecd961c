#include "keratin/layers/pooling/max_pooling1d.h"

#include "keratin/layers/detail/pooling_layer.h"

namespace keratin {

MaxPooling1D::MaxPooling1D(std::int64_t pool_size, const Pooling1DOptions& options)
    : Layer(detail::make_pooling("MaxPooling1D", ops::max_pool2d, pool_size, options)) {}

Layer MaxPooling1D::from_config(ConfigReader& c) {
  const std::int64_t pool_size = detail::read_size1d(c, "pool_size", 2);
  return MaxPooling1D(pool_size, detail::read_pooling_options<Pooling1DOptions>(c));
}

}  // namespace keratin
