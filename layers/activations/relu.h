// ReLU: max(x, 0) and its variants (keras.layers.ReLU).
#pragma once

#include <optional>
#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct ReLUOptions {
  std::optional<double> max_value = {};  // none
  double negative_slope = 0.0;
  double threshold = 0.0;
  std::string name = {};
  bool trainable = true;
};

// y = max_value where x >= max_value; x where threshold <= x; negative_slope·(x - threshold) below.
// x: any shape -> y: the same.
class ReLU : public Layer {
 public:
  // Throws InvalidArgument for negative numbers.
  explicit ReLU(const ReLUOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
