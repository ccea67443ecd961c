// AutoContrast: images whose values fill the whole range (keras.layers.AutoContrast).
#pragma once

#include <array>
#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct AutoContrastOptions {
  std::array<double, 2> value_range = {0, 255};
  std::string name = {};
  bool trainable = true;
};

// Each channel of each image is stretched so that its smallest and largest values are those of value_range, in training
// and outside of it; a channel of one value stays.   x: (n, h, w, c) -> y: the same, floating.
class AutoContrast : public Layer {
 public:
  explicit AutoContrast(const AutoContrastOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
