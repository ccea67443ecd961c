// Options of the 1-D pooling layers.
#pragma once

#include <cstdint>
#include <string>

namespace keratin {

struct Pooling1DOptions {
  std::int64_t strides = 0;       // 0: pool_size
  std::string padding = "valid";  // "valid": none; "same": the output has ceil(size / strides) steps
  std::string name = {};
  bool trainable = true;
};

struct GlobalPooling1DOptions {
  bool keepdims = false;  // (n, 1, c) instead of (n, c)
  std::string name = {};
  bool trainable = true;
};

}  // namespace keratin
