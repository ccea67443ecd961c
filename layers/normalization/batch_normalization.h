// BatchNormalization: mean 0 and variance 1 over the batch (keras.layers.BatchNormalization).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct BatchNormalizationOptions {
  int axis = -1;  // the features; statistics are over all other axes
  double momentum = 0.99;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Initializer moving_mean_initializer = "zeros";
  Initializer moving_variance_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  std::string name = {};
  bool trainable = true;
};

// y = gamma·(x - mean) / sqrt(variance + epsilon) + beta.   x: (n, ..., features) -> y: the same.
// In training mean and (biased) variance are the batch's, and moving = moving·momentum + batch's·(1 - momentum).
// Otherwise, and when the layer is frozen, they are the moving ones.
// Weights (features,): gamma (if scale), beta (if center); not trained: moving_mean, moving_variance.
class BatchNormalization : public Layer {
 public:
  // Throws InvalidArgument for an epsilon that is not positive and a momentum outside [0, 1].
  explicit BatchNormalization(BatchNormalizationOptions options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
