// Maximum: the largest of the inputs, element by element (keras.layers.Maximum).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// Any number of inputs whose shapes broadcast: Maximum()({a, b}). An input of lower rank gets axes of size 1 after the
// batch.
class Maximum : public Layer {
 public:
  explicit Maximum(const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
