// GlobalMaxPooling3D: the largest number of each channel (keras.layers.GlobalMaxPooling3D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/pooling/pooling3d_options.h"

namespace keratin {

// x: (n, d, h, w, c) -> y: (n, c), or (n, 1, 1, 1, c) with keepdims.
class GlobalMaxPooling3D : public Layer {
 public:
  explicit GlobalMaxPooling3D(const GlobalPooling3DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using GlobalMaxPool3D = GlobalMaxPooling3D;

}  // namespace keratin
