// GaussianDropout: noise multiplied during training (keras.layers.GaussianDropout).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/regularization/noise_options.h"

namespace keratin {

// During training y = x·(1 + sqrt(rate / (1 - rate))·(a standard normal number for each element)): the mean and
// variance of Dropout(rate); else y = x.   x: any shape -> y: the same. The random numbers depend on the seed, the
// layer's place in the model and the step only.
class GaussianDropout : public Layer {
 public:
  // Throws InvalidArgument unless 0 <= rate < 1.
  explicit GaussianDropout(double rate, const NoiseOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
