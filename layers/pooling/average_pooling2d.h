// AveragePooling2D: the mean of each window (keras.layers.AveragePooling2D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/pooling/pooling2d_options.h"

namespace keratin {

// x: (n, h, w, c) -> y: (n, oh, ow, c).   "valid": oh = floor((h - pool) / stride) + 1;  "same": oh = ceil(h / stride).
// Padding is not counted.
class AveragePooling2D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive and for an unknown padding word.
  explicit AveragePooling2D(Size2D pool_size, const Pooling2DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using AvgPool2D = AveragePooling2D;

}  // namespace keratin
