// GlobalAveragePooling2D: the mean of each channel (keras.layers.GlobalAveragePooling2D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/pooling/pooling2d_options.h"

namespace keratin {

// x: (n, h, w, c) -> y: (n, c), or (n, 1, 1, c) with keepdims.
class GlobalAveragePooling2D : public Layer {
 public:
  explicit GlobalAveragePooling2D(const GlobalPooling2DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using GlobalAvgPool2D = GlobalAveragePooling2D;

}  // namespace keratin
