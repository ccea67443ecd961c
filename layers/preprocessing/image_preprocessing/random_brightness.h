// RandomBrightness: brighter and darker images (keras.layers.RandomBrightness).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/factor.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_image_options.h"

namespace keratin {

// During training a number from factor's range, times the width of value_range, is added to each image; then y lies in
// value_range. Else y = x.   x: (n, h, w, c) -> y: the same, floating. factor: 0.2 stands for {-0.2, 0.2}.
class RandomBrightness : public Layer {
 public:
  // Throws InvalidArgument unless -1 <= factor <= 1.
  explicit RandomBrightness(const Factor& factor, const RandomColorOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
