// GaussianNoise: noise added during training (keras.layers.GaussianNoise).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/regularization/noise_options.h"

namespace keratin {

// During training y = x + stddev·(a standard normal number for each element); else y = x.   x: any shape -> y: the
// same. The random numbers depend on the seed, the layer's place in the model and the step only.
class GaussianNoise : public Layer {
 public:
  // Throws InvalidArgument unless 0 <= stddev <= 1, as in Keras.
  explicit GaussianNoise(double stddev, const NoiseOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
