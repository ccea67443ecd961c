// Masking: steps of a sequence that hold no data are skipped (keras.layers.Masking).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct MaskingOptions {
  double mask_value = 0.0;
  std::string name = {};
  bool trainable = true;
};

// x: (n, time, features) -> y: the same, with zeros in the steps whose features are all mask_value. These steps are
// masked: layers behind that use masks (recurrent ones, pooling over time, losses, ...) leave them out.
class Masking : public Layer {
 public:
  explicit Masking(const MaskingOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
