// RMSNormalization: a mean of squares of 1 over each sample's features (keras.layers.RMSNormalization).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/layers/axes.h"

namespace keratin {

struct RMSNormalizationOptions {
  Axes axis = -1;  // what is normalised together
  double epsilon = 1e-6;
  std::string name = {};
  bool trainable = true;
};

// y = scale·x / sqrt(mean(x²) + epsilon), the mean over `axis`.
// x: (n, ...) -> y: the same.   Weights: scale, of the sizes of `axis`.
class RMSNormalization : public Layer {
 public:
  // Throws InvalidArgument for an epsilon that is not positive.
  explicit RMSNormalization(const RMSNormalizationOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
