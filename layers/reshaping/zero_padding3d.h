// ZeroPadding3D: zeros around volumes (keras.layers.ZeroPadding3D).
#pragma once

#include <cstdint>

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"
#include "keratin/layers/size3d.h"

namespace keratin {

// x: (n, d, h, w, c) -> y: (n, front + d + back, top + h + bottom, left + w + right, c).
class ZeroPadding3D : public Layer {
 public:
  // `padding`: 1, {depth, height, width} or {{front, back}, {top, bottom}, {left, right}}. Throws InvalidArgument for
  // negative numbers.
  explicit ZeroPadding3D(Border3D padding = 1, const LayerOptions& options = {});
  // The same for {{front, back}, {top, bottom}, {left, right}}, which the compiler would otherwise find ambiguous when
  // a 0 is among them.
  explicit ZeroPadding3D(const std::int64_t (&padding)[3][2], const LayerOptions& options = {})
      : ZeroPadding3D(
            Border3D({padding[0][0], padding[0][1]}, {padding[1][0], padding[1][1]}, {padding[2][0], padding[2][1]}),
            options) {}
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
