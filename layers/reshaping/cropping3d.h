// Cropping3D: volumes without their borders (keras.layers.Cropping3D).
#pragma once

#include <cstdint>

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"
#include "keratin/layers/size3d.h"

namespace keratin {

// x: (n, d, h, w, c) -> y: (n, d - front - back, h - top - bottom, w - left - right, c). Something must be left.
class Cropping3D : public Layer {
 public:
  // `cropping`: 1, {depth, height, width} or {{front, back}, {top, bottom}, {left, right}}. Throws InvalidArgument for
  // negative numbers.
  explicit Cropping3D(Border3D cropping = 1, const LayerOptions& options = {});
  // The same for {{front, back}, {top, bottom}, {left, right}}, which the compiler would otherwise find ambiguous when
  // a 0 is among them.
  explicit Cropping3D(const std::int64_t (&cropping)[3][2], const LayerOptions& options = {})
      : Cropping3D(Border3D({cropping[0][0], cropping[0][1]}, {cropping[1][0], cropping[1][1]},
                            {cropping[2][0], cropping[2][1]}),
                   options) {}
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
