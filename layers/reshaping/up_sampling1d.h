// UpSampling1D: longer sequences (keras.layers.UpSampling1D).
#pragma once

#include <cstdint>

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// x: (n, steps, c) -> y: (n, steps·size, c), each step `size` times in a row.
class UpSampling1D : public Layer {
 public:
  // Throws InvalidArgument for a size that is not positive.
  explicit UpSampling1D(std::int64_t size = 2, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
