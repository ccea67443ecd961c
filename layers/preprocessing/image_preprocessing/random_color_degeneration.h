// RandomColorDegeneration: images on the way to grey (keras.layers.RandomColorDegeneration).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/factor.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_image_options.h"

namespace keratin {

// During training y = x + f·(grey - x), f a number from factor's range for each image; then y lies in value_range. Else
// y = x.   x: (n, h, w, 3) -> y: the same, floating. factor: 0.2 stands for {-0.2, 0.2}.
class RandomColorDegeneration : public Layer {
 public:
  // Throws InvalidArgument unless -1 <= factor <= 1.
  explicit RandomColorDegeneration(const Factor& factor, const RandomColorOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
