// RandomCrop: a window of the images (keras.layers.RandomCrop).
#pragma once

#include <cstdint>

#include "keratin/core/model/layer.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_image_options.h"

namespace keratin {

// During training a window of this size, at the same random place in all images of the batch, as in Keras.
// Else, and of images that are too small, the largest window in the middle of the new aspect ratio, resized (bilinear).
// x: (n, h, w, c) -> y: (n, height, width, c), floating.
class RandomCrop : public Layer {
 public:
  // Throws InvalidArgument for sizes that are not positive.
  RandomCrop(std::int64_t height, std::int64_t width, const RandomImageOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
