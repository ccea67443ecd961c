// Minimum: the smallest of the inputs, element by element (keras.layers.Minimum).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// Any number of inputs whose shapes broadcast: Minimum()({a, b}). An input of lower rank gets axes of size 1 after the
// batch.
class Minimum : public Layer {
 public:
  explicit Minimum(const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
