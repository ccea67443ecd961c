// Subtract: a - b, of exactly two inputs (keras.layers.Subtract).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// Two inputs whose shapes broadcast: Subtract()({a, b}). An input of lower rank gets axes of size 1 after the batch.
class Subtract : public Layer {
 public:
  explicit Subtract(const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
