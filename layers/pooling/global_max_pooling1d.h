// GlobalMaxPooling1D: the largest number of each channel (keras.layers.GlobalMaxPooling1D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/pooling/pooling1d_options.h"

namespace keratin {

// x: (n, steps, c) -> y: (n, c), or (n, 1, c) with keepdims.
class GlobalMaxPooling1D : public Layer {
 public:
  explicit GlobalMaxPooling1D(const GlobalPooling1DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using GlobalMaxPool1D = GlobalMaxPooling1D;

}  // namespace keratin
