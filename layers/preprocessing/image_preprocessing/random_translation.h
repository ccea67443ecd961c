// RandomTranslation: images moved (keras.layers.RandomTranslation).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/factor.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_image_options.h"

namespace keratin {

// During training each image is moved by parts of its height and width from the factors' ranges: what is positive moves
// it down and to the right. Else y = x.   x: (n, h, w, c) -> y: the same, floating. 0.2 stands for {-0.2, 0.2}.
class RandomTranslation : public Layer {
 public:
  // Throws InvalidArgument unless the factors lie between -1 and 1, and for an unknown fill_mode or interpolation.
  RandomTranslation(const Factor& height_factor, const Factor& width_factor, const RandomAffineOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
