// Add: a + b + ... (keras.layers.Add).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// Any number of inputs whose shapes broadcast: Add()({a, b}). An input of lower rank gets axes of size 1 after the
// batch.
class Add : public Layer {
 public:
  explicit Add(const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
