// LayerOptions: the options of layers that have none of their own.
#pragma once

#include <string>

namespace keratin {

struct LayerOptions {
  std::string name = {};  // empty: Keras's automatic name, "flatten_1"
  bool trainable = true;
};

}  // namespace keratin
