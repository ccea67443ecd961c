// ELU: exponential below zero (keras.layers.ELU).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct ELUOptions {
  double alpha = 1.0;
  std::string name = {};
  bool trainable = true;
};

// y = x where x > 0, alpha·(exp(x) - 1) below.   x: any shape -> y: the same.
class ELU : public Layer {
 public:
  explicit ELU(const ELUOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
