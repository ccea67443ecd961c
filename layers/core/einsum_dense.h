// EinsumDense: a dense layer over the axes that an equation names (keras.layers.EinsumDense).
#pragma once

#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"

namespace keratin {

struct EinsumDenseOptions {
  ActivationFunction activation = {};
  std::string bias_axes = {};  // letters of the result that the bias has; empty: no bias
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  Regularizer activity_regularizer = {};
  std::string name = {};
  bool trainable = true;
};

// y = activation(einsum(equation, x, kernel) + bias), an equation as "abc,cd->abd", "...x,xy->...y" or
// "ab...,bc->ac..."; see ops::einsum. The first axis is the batch. Weights: kernel, of the sizes that its letters have
// in the result or in x; bias, with size 1 for letters that are not in bias_axes.
class EinsumDense : public Layer {
 public:
  // `output_shape`: the sizes of the result without the batch and the axes of "..."; -1: as the input has it.
  EinsumDense(std::string equation, Shape output_shape, EinsumDenseOptions options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
