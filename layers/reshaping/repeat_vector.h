// RepeatVector: each row several times (keras.layers.RepeatVector).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// x: (n, features) -> y: (n, times, features)
class RepeatVector : public Layer {
 public:
  // Throws InvalidArgument unless times > 0.
  explicit RepeatVector(std::int64_t times, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
