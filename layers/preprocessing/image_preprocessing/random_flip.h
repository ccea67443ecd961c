// RandomFlip: some images turned around (keras.layers.RandomFlip).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_image_options.h"

namespace keratin {

// During training each image is flipped with probability 1/2; else y = x.   x: (n, h, w, c) -> y: the same, floating.
// mode: "horizontal", left and right; "vertical", top and bottom; "horizontal_and_vertical", both at once, as in Keras.
class RandomFlip : public Layer {
 public:
  // Throws InvalidArgument for another mode.
  explicit RandomFlip(const std::string& mode = "horizontal_and_vertical", const RandomImageOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
