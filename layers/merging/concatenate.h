// Concatenate: inputs one after another along an axis (keras.layers.Concatenate).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct ConcatenateOptions {
  int axis = -1;
  std::string name = {};
  bool trainable = true;
};

// Inputs of one rank whose sizes agree on all other axes: Concatenate()({a, b}).
class Concatenate : public Layer {
 public:
  explicit Concatenate(const ConcatenateOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
