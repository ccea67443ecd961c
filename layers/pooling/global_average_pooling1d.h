// GlobalAveragePooling1D: the mean of each channel (keras.layers.GlobalAveragePooling1D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/pooling/pooling1d_options.h"

namespace keratin {

// x: (n, steps, c) -> y: (n, c), or (n, 1, c) with keepdims.
class GlobalAveragePooling1D : public Layer {
 public:
  explicit GlobalAveragePooling1D(const GlobalPooling1DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using GlobalAvgPool1D = GlobalAveragePooling1D;

}  // namespace keratin
