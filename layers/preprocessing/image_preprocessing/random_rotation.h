// RandomRotation: images turned about their centre (keras.layers.RandomRotation).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/factor.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_image_options.h"

namespace keratin {

// During training each image is turned by an angle from factor's range, as a part of a full turn; else y = x.
// x: (n, h, w, c) -> y: the same, floating. factor: 0.2 stands for {-0.2, 0.2}, 72 degrees either way; what is
// positive turns counter-clockwise.
class RandomRotation : public Layer {
 public:
  // Throws InvalidArgument unless -1 <= factor <= 1, and for an unknown fill_mode or interpolation.
  explicit RandomRotation(const Factor& factor, const RandomAffineOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
