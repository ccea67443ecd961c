// Options of the 3-D pooling layers.
#pragma once

#include <string>

#include "keratin/layers/size3d.h"

namespace keratin {

struct Pooling3DOptions {
  Size3D strides = 0;             // 0: pool_size
  std::string padding = "valid";  // "valid": none; "same": the output has ceil(size / strides) voxels
  std::string name = {};
  bool trainable = true;
};

struct GlobalPooling3DOptions {
  bool keepdims = false;  // (n, 1, 1, 1, c) instead of (n, c)
  std::string name = {};
  bool trainable = true;
};

}  // namespace keratin
