// Rescaling: y = x·scale + offset (keras.layers.Rescaling).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct RescalingOptions {
  double offset = 0.0;
  std::string name = {};
  bool trainable = true;
};

// x: any shape and dtype -> y: the same shape, floating. For images of bytes: Rescaling(1.0 / 255).
class Rescaling : public Layer {
 public:
  explicit Rescaling(double scale, const RescalingOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
