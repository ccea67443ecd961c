// Dense: a fully connected layer (keras.layers.Dense).
#pragma once

#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"

namespace keratin {

struct DenseOptions {
  ActivationFunction activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  std::string name = {};
  bool trainable = true;
};

// y = activation(x·kernel + bias) over the last axis.   x: (n, ..., in) -> y: (n, ..., units)
// Weights: kernel (in, units), bias (units,). `in` must be known when the layer is built.
class Dense : public Layer {
 public:
  // Throws InvalidArgument unless units > 0.
  explicit Dense(std::int64_t units, DenseOptions options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
