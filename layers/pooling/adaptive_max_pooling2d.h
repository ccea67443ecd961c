// AdaptiveMaxPooling2D: the largest number of each of a fixed number of windows (keras.layers.AdaptiveMaxPooling2D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"
#include "keratin/layers/size2d.h"

namespace keratin {

// x: (n, h, w, c) -> y: (n, output_size.height, output_size.width, c). Window i of `out` along an axis of `size` pixels
// reaches from floor(i·size / out) to before ceil((i + 1)·size / out).
class AdaptiveMaxPooling2D : public Layer {
 public:
  // Throws InvalidArgument for an output_size that is not positive.
  explicit AdaptiveMaxPooling2D(Size2D output_size, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
