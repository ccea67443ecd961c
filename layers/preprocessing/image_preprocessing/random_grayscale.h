// RandomGrayscale: some images without their colours (keras.layers.RandomGrayscale).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_image_options.h"

namespace keratin {

// During training each image is made grey with probability `factor`: its three channels are the same; else y = x.
// x: (n, h, w, 3) -> y: the same, floating.
class RandomGrayscale : public Layer {
 public:
  // Throws InvalidArgument unless 0 <= factor <= 1.
  explicit RandomGrayscale(double factor = 0.5, const RandomImageOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
