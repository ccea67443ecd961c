// Cropping1D: sequences without their ends (keras.layers.Cropping1D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"
#include "keratin/layers/size1d.h"

namespace keratin {

// x: (n, steps, c) -> y: (n, steps - before - after, c). Something must be left.
class Cropping1D : public Layer {
 public:
  // `cropping`: 1 or {before, after}. Throws InvalidArgument for negative numbers.
  explicit Cropping1D(Border1D cropping = 1, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
