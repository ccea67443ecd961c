// MaxPooling3D: the largest number of each window (keras.layers.MaxPooling3D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/pooling/pooling3d_options.h"

namespace keratin {

// x: (n, d, h, w, c) -> y: (n, od, oh, ow, c).
// "valid": od = floor((d - pool) / stride) + 1;  "same": od = ceil(d / stride). Padding never wins.
class MaxPooling3D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive and for an unknown padding word.
  explicit MaxPooling3D(Size3D pool_size = {2, 2, 2}, const Pooling3DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using MaxPool3D = MaxPooling3D;

}  // namespace keratin
