// MaxPooling2D: the largest number of each window (keras.layers.MaxPooling2D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/pooling/pooling2d_options.h"

namespace keratin {

// x: (n, h, w, c) -> y: (n, oh, ow, c).   "valid": oh = floor((h - pool) / stride) + 1;  "same": oh = ceil(h / stride).
// Padding never wins.
class MaxPooling2D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive and for an unknown padding word.
  explicit MaxPooling2D(Size2D pool_size = {2, 2}, const Pooling2DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using MaxPool2D = MaxPooling2D;

}  // namespace keratin
