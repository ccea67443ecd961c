#include "keratin/layers/pooling/average_pooling1d.h"

#include "keratin/layers/detail/pooling_layer.h"

namespace keratin {

AveragePooling1D::AveragePooling1D(std::int64_t pool_size, const Pooling1DOptions& options)
    : Layer(detail::make_pooling("AveragePooling1D", ops::average_pool2d, pool_size, options)) {}

Layer AveragePooling1D::from_config(ConfigReader& c) {
  const std::int64_t pool_size = detail::read_size1d(c, "pool_size");
  return AveragePooling1D(pool_size, detail::read_pooling_options<Pooling1DOptions>(c));
}

}  // namespace keratin
