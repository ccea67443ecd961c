// LayerScale: a trained factor per channel, as in ConvNeXt (a layer of keras.applications).
#pragma once

#include <cstdint>
#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// y = x·gamma.   x: (n, ..., c) -> y: the same.   c: projection_dim.
// Weights: gamma (c,), which starts as init_values and which files call "variable".
class LayerScale : public Layer {
 public:
  // Throws InvalidArgument unless projection_dim is positive.
  LayerScale(double init_values, std::int64_t projection_dim, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
