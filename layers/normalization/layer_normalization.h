// LayerNormalization: mean 0 and variance 1 over each sample's features (keras.layers.LayerNormalization).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/layers/axes.h"

namespace keratin {

struct LayerNormalizationOptions {
  Axes axis = -1;  // what is normalised together
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  std::string name = {};
  bool trainable = true;
};

// y = gamma·(x - mean) / sqrt(variance + epsilon) + beta, mean and (biased) variance over `axis`.
// x: (n, ...) -> y: the same.   Weights, of the sizes of `axis`: gamma (if scale), beta (if center).
class LayerNormalization : public Layer {
 public:
  // Throws InvalidArgument for an epsilon that is not positive.
  explicit LayerNormalization(LayerNormalizationOptions options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
