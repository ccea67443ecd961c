// Reshape: the same numbers in another shape (keras.layers.Reshape).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// x: (n, ...) -> y: (n, target_shape...), in row-major order. One size of target_shape may be -1: it is computed from
// the others.
class Reshape : public Layer {
 public:
  // Throws InvalidArgument for sizes below -1, for 0, and for more than one -1.
  explicit Reshape(const Shape& target_shape, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
