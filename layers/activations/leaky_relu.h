// LeakyReLU: a small slope below zero (keras.layers.LeakyReLU).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct LeakyReLUOptions {
  double negative_slope = 0.3;
  std::string name = {};
  bool trainable = true;
};

// y = x where x >= 0, negative_slope·x below.   x: any shape -> y: the same.
class LeakyReLU : public Layer {
 public:
  // Throws InvalidArgument for a negative slope.
  explicit LeakyReLU(const LeakyReLUOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
