// RandomContrast: more and less contrast (keras.layers.RandomContrast).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/factor.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_image_options.h"

namespace keratin {

// During training each image's distance from its mean, channel by channel, is multiplied by a number between
// 1 - factor.lower() and 1 + factor.upper(); then y lies in value_range. Else y = x.   x: (n, h, w, c) -> y: the same,
// floating. factor: 0.2 stands for {0, 0.2}, as in Keras.
class RandomContrast : public Layer {
 public:
  // Throws InvalidArgument unless 0 <= factor, and factor <= 1 when it is one number.
  explicit RandomContrast(const Factor& factor, const RandomColorOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
