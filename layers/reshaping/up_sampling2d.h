// UpSampling2D: larger images (keras.layers.UpSampling2D).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/layers/size2d.h"

namespace keratin {

struct UpSampling2DOptions {
  std::string interpolation = "nearest";  // or "bilinear"
  std::string name = {};
  bool trainable = true;
};

// x: (n, h, w, c) -> y: (n, h·size.height, w·size.width, c)
// "nearest" repeats pixels; "bilinear" interpolates between pixel centres, at the border with the pixel itself.
class UpSampling2D : public Layer {
 public:
  // Throws InvalidArgument for a size that is not positive and for another interpolation.
  explicit UpSampling2D(Size2D size = 2, const UpSampling2DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
