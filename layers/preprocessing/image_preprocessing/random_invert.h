// RandomInvert: some images as negatives (keras.layers.RandomInvert).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/factor.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_image_options.h"

namespace keratin {

// During training each image is, with a probability from factor's range, replaced by value_range[1] - x; else y = x.
// x: (n, h, w, c) -> y: the same, floating. factor: 0.5 stands for {0, 0.5}, as in Keras.
class RandomInvert : public Layer {
 public:
  // Throws InvalidArgument unless 0 <= factor <= 1.
  explicit RandomInvert(const Factor& factor = 1.0, const RandomColorOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
