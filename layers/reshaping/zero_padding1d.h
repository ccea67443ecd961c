// ZeroPadding1D: zeros before and after sequences (keras.layers.ZeroPadding1D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"
#include "keratin/layers/size1d.h"

namespace keratin {

// x: (n, steps, c) -> y: (n, before + steps + after, c).
class ZeroPadding1D : public Layer {
 public:
  // `padding`: 1 or {before, after}. Throws InvalidArgument for negative numbers.
  explicit ZeroPadding1D(Border1D padding = 1, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
