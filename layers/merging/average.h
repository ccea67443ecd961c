// Average: (a + b + ...) / the number of inputs (keras.layers.Average).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// Any number of inputs whose shapes broadcast: Average()({a, b}). An input of lower rank gets axes of size 1 after the
// batch.
class Average : public Layer {
 public:
  explicit Average(const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
