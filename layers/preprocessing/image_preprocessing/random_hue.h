// RandomHue: images of other colours (keras.layers.RandomHue).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/factor.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_image_options.h"

namespace keratin {

// During training the hue of each image moves by ±f/2 of the circle of colours, f a number from factor's range; then y
// lies in value_range. Else y = x.   x: (n, h, w, 3) -> y: the same, floating. factor: 0.2 stands for {0, 0.2}, as in
// Keras.
class RandomHue : public Layer {
 public:
  // Throws InvalidArgument unless 0 <= factor <= 1.
  explicit RandomHue(const Factor& factor, const RandomColorOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
