// Activation: an activation function as a layer (keras.layers.Activation).
#pragma once

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// y = activation(x).   x: any shape -> y: the same.
class Activation : public Layer {
 public:
  explicit Activation(ActivationFunction activation, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
