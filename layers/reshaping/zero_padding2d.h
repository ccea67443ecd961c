// ZeroPadding2D: zeros around images (keras.layers.ZeroPadding2D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"
#include "keratin/layers/size2d.h"

namespace keratin {

// x: (n, h, w, c) -> y: (n, top + h + bottom, left + w + right, c)
class ZeroPadding2D : public Layer {
 public:
  // `padding`: 1, {height, width} or {{top, bottom}, {left, right}}. Throws InvalidArgument for negative numbers.
  explicit ZeroPadding2D(Border2D padding = 1, const LayerOptions& options = {});
};

}  // namespace keratin
