// Softmax: probabilities that sum to one (keras.layers.Softmax).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/layers/axes.h"

namespace keratin {

struct SoftmaxOptions {
  Axes axis = -1;
  std::string name = {};
  bool trainable = true;
};

// y = exp(x) / sum of exp(x) over `axis`, which may be several axes.   x: any shape -> y: the same.
class Softmax : public Layer {
 public:
  explicit Softmax(const SoftmaxOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
