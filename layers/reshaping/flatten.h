// Flatten: one row of numbers per sample (keras.layers.Flatten).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// x: (n, ...) -> y: (n, the product of the other sizes), in row-major order: (h, w, c) for images. (n,) becomes (n, 1).
class Flatten : public Layer {
 public:
  explicit Flatten(const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
