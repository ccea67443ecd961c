// RandomSaturation: more and less colourful images (keras.layers.RandomSaturation).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/factor.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_image_options.h"

namespace keratin {

// During training the saturation of each image is multiplied by f / (1 - f), f a number from factor's range: 0 makes it
// grey, 0.5 leaves it. Then it lies in value_range. Else y = x.   x: (n, h, w, 3) -> y: the same, floating.
// factor: 0.2 stands for {-0.2, 0.2}, as in Keras; a pair is what is useful.
class RandomSaturation : public Layer {
 public:
  // Throws InvalidArgument unless -1 <= factor <= 1.
  explicit RandomSaturation(const Factor& factor, const RandomColorOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
