// TimeDistributed: a layer applied to every step of a sequence (keras.layers.TimeDistributed).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// x: (n, time, ...) -> y: (n, time, ...). All steps go through the layer together, as one batch of n·time rows: for
// layers whose rows do not depend on each other, that is what Keras does step by step. A mask (n, time) goes on to y;
// one with more axes is the inner layer's.
class TimeDistributed : public Layer {
 public:
  explicit TimeDistributed(const Layer& layer, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
