// Options of the 2-D pooling layers.
#pragma once

#include <string>

#include "keratin/layers/size2d.h"

namespace keratin {

struct Pooling2DOptions {
  Size2D strides = 0;             // 0: pool_size
  std::string padding = "valid";  // "valid": none; "same": the output has ceil(size / strides) pixels
  std::string name = {};
  bool trainable = true;
};

struct GlobalPooling2DOptions {
  bool keepdims = false;  // (n, 1, 1, c) instead of (n, c)
  std::string name = {};
  bool trainable = true;
};

}  // namespace keratin
