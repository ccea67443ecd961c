// UnitNormalization: vectors of length 1 (keras.layers.UnitNormalization).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/layers/axes.h"

namespace keratin {

struct UnitNormalizationOptions {
  Axes axis = -1;  // along which a vector lies
  std::string name = {};
  bool trainable = true;
};

// y = x / sqrt(sum(x²)), the sum over `axis`; zeros stay zeros.   x: any shape -> y: the same.
class UnitNormalization : public Layer {
 public:
  explicit UnitNormalization(const UnitNormalizationOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
