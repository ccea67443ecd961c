// PReLU: a trained slope below zero (keras.layers.PReLU).
#pragma once

#include <string>
#include <vector>

#include "keratin/core/model/layer.h"

namespace keratin {

struct PReLUOptions {
  Initializer alpha_initializer = "zeros";
  Regularizer alpha_regularizer = {};
  Constraint alpha_constraint = {};
  std::vector<int> shared_axes = {};  // axes along which one alpha serves all, counted from 1: {1, 2} for images
  std::string name = {};
  bool trainable = true;
};

// y = x where x >= 0, alpha·x below.   x: (n, ...) -> y: the same.
// Weights: alpha, of the shape of a sample, with size 1 along shared axes; these sizes must be known.
class PReLU : public Layer {
 public:
  explicit PReLU(PReLUOptions options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
