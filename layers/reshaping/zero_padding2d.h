// ZeroPadding2D: zeros around images (keras.layers.ZeroPadding2D).
#pragma once

#include <cstdint>

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"
#include "keratin/layers/size2d.h"

namespace keratin {

// x: (n, h, w, c) -> y: (n, top + h + bottom, left + w + right, c)
class ZeroPadding2D : public Layer {
 public:
  // `padding`: 1, {height, width} or {{top, bottom}, {left, right}}. Throws InvalidArgument for negative numbers.
  explicit ZeroPadding2D(Border2D padding = 1, const LayerOptions& options = {});
  // The same for {{top, bottom}, {left, right}}, which the compiler would otherwise find ambiguous when a 0 is among
  // them.
  explicit ZeroPadding2D(const std::int64_t (&padding)[2][2], const LayerOptions& options = {})
      : ZeroPadding2D(Border2D({padding[0][0], padding[0][1]}, {padding[1][0], padding[1][1]}), options) {}
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
