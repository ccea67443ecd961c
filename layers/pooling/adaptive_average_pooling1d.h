// AdaptiveAveragePooling1D: the mean of each of a fixed number of windows (keras.layers.AdaptiveAveragePooling1D).
#pragma once

#include <cstdint>

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// x: (n, steps, c) -> y: (n, output_size, c). Window i of `out` along an axis of `size` steps reaches from floor(i·size
// / out) to before ceil((i + 1)·size / out).
class AdaptiveAveragePooling1D : public Layer {
 public:
  // Throws InvalidArgument for an output_size that is not positive.
  explicit AdaptiveAveragePooling1D(std::int64_t output_size, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
