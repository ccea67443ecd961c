// Identity: y = x (keras.layers.Identity).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// x: any shape -> y: the same.
class Identity : public Layer {
 public:
  explicit Identity(const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
