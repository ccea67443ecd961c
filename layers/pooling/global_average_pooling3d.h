// GlobalAveragePooling3D: the mean of each channel (keras.layers.GlobalAveragePooling3D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/pooling/pooling3d_options.h"

namespace keratin {

// x: (n, d, h, w, c) -> y: (n, c), or (n, 1, 1, 1, c) with keepdims.
class GlobalAveragePooling3D : public Layer {
 public:
  explicit GlobalAveragePooling3D(const GlobalPooling3DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using GlobalAvgPool3D = GlobalAveragePooling3D;

}  // namespace keratin
