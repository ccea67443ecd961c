// Resizing: images of another size (keras.layers.Resizing).
#pragma once

#include <cstdint>
#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct ResizingOptions {
  std::string interpolation = "bilinear";  // or "nearest", "bicubic", "lanczos3", "lanczos5"
  // One of them at most: the largest window in the middle, or the whole image with a border, of the new aspect ratio.
  bool crop_to_aspect_ratio = false;
  bool pad_to_aspect_ratio = false;
  std::string fill_mode = "constant";  // of the border; there is no other
  double fill_value = 0.0;
  bool antialias = false;  // what shrinks is smoothed, unless interpolation is "nearest"
  std::string name = {};
  bool trainable = true;
};

// x: (n, h, w, c) of any dtype -> y: (n, height, width, c) of the same; images of integers are rounded.
class Resizing : public Layer {
 public:
  // Throws InvalidArgument for sizes that are not positive, unknown words, and both aspect ratios.
  Resizing(std::int64_t height, std::int64_t width, const ResizingOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
