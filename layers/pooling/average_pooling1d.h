// AveragePooling1D: the mean of each window (keras.layers.AveragePooling1D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/pooling/pooling1d_options.h"

namespace keratin {

// x: (n, steps, c) -> y: (n, out, c).
// "valid": out = floor((steps - pool) / stride) + 1;  "same": out = ceil(steps / stride). Padding is not counted.
class AveragePooling1D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive and for an unknown padding word.
  explicit AveragePooling1D(std::int64_t pool_size, const Pooling1DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using AvgPool1D = AveragePooling1D;

}  // namespace keratin
