// Multiply: a·b·... (keras.layers.Multiply).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// Any number of inputs whose shapes broadcast: Multiply()({a, b}). An input of lower rank gets axes of size 1 after the
// batch.
class Multiply : public Layer {
 public:
  explicit Multiply(const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
