// MaxPooling1D: the largest number of each window (keras.layers.MaxPooling1D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/pooling/pooling1d_options.h"

namespace keratin {

// x: (n, steps, c) -> y: (n, out, c).
// "valid": out = floor((steps - pool) / stride) + 1;  "same": out = ceil(steps / stride). Padding never wins.
class MaxPooling1D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive and for an unknown padding word.
  explicit MaxPooling1D(std::int64_t pool_size = 2, const Pooling1DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using MaxPool1D = MaxPooling1D;

}  // namespace keratin
