// SpatialDropout1D: whole channels of sequences are dropped during training (keras.layers.SpatialDropout1D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/regularization/spatial_dropout_options.h"

namespace keratin {

// During training each channel of a sample is 0 with probability `rate` and divided by 1 - rate otherwise; else y = x.
// x: (n, steps, c) -> y: the same. The random numbers depend on the seed, the layer's place in the model and the step
// only.
class SpatialDropout1D : public Layer {
 public:
  // Throws InvalidArgument unless 0 <= rate <= 1.
  explicit SpatialDropout1D(double rate, const SpatialDropoutOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
