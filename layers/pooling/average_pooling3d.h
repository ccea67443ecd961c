// AveragePooling3D: the mean of each window (keras.layers.AveragePooling3D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/pooling/pooling3d_options.h"

namespace keratin {

// x: (n, d, h, w, c) -> y: (n, od, oh, ow, c).
// "valid": od = floor((d - pool) / stride) + 1;  "same": od = ceil(d / stride). Padding is not counted.
class AveragePooling3D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive and for an unknown padding word.
  explicit AveragePooling3D(Size3D pool_size, const Pooling3DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using AvgPool3D = AveragePooling3D;

}  // namespace keratin
