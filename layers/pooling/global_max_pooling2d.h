// GlobalMaxPooling2D: the largest number of each channel (keras.layers.GlobalMaxPooling2D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/pooling/pooling2d_options.h"

namespace keratin {

// x: (n, h, w, c) -> y: (n, c), or (n, 1, 1, c) with keepdims.
class GlobalMaxPooling2D : public Layer {
 public:
  explicit GlobalMaxPooling2D(const GlobalPooling2DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using GlobalMaxPool2D = GlobalMaxPooling2D;

}  // namespace keratin
