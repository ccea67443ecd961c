// Cropping2D: images without their borders (keras.layers.Cropping2D).
#pragma once

#include <cstdint>

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"
#include "keratin/layers/size2d.h"

namespace keratin {

// x: (n, h, w, c) -> y: (n, h - top - bottom, w - left - right, c). Something must be left.
class Cropping2D : public Layer {
 public:
  // `cropping`: 1, {height, width} or {{top, bottom}, {left, right}}. Throws InvalidArgument for negative numbers.
  explicit Cropping2D(Border2D cropping = 0, const LayerOptions& options = {});
  // The same for {{top, bottom}, {left, right}}, which the compiler would otherwise find ambiguous when a 0 is among
  // them.
  explicit Cropping2D(const std::int64_t (&cropping)[2][2], const LayerOptions& options = {})
      : Cropping2D(Border2D({cropping[0][0], cropping[0][1]}, {cropping[1][0], cropping[1][1]}), options) {}
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
