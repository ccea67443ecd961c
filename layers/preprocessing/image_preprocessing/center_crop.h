// CenterCrop: the middle of images (keras.layers.CenterCrop).
#pragma once

#include <cstdint>

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// x: (n, h, w, c) of any dtype -> y: (n, height, width, c), floating.
// Of images that are too small, the largest window in the middle of the new aspect ratio is resized (bilinear).
class CenterCrop : public Layer {
 public:
  // Throws InvalidArgument for sizes that are not positive.
  CenterCrop(std::int64_t height, std::int64_t width, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
