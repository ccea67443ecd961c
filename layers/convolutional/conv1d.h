// Conv1D: a 1-D convolution (keras.layers.Conv1D).
#pragma once

#include <cstdint>
#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"

namespace keratin {

struct Conv1DOptions {
  std::int64_t strides = 1;
  std::string padding =
      "valid";  // "valid": none; "same": the output has ceil(size / strides) steps; "causal": see below
  std::int64_t dilation_rate = 1;  // with strides above 1 only 1, as in Keras
  std::int64_t groups = 1;         // must divide the channels and the filters
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

// y = activation(conv(x, kernel) + bias), a cross-correlation.   x: (n, steps, c) -> y: (n, out, filters)
// "valid": out = floor((steps - reach) / stride) + 1 with reach = (k - 1)·dilation + 1;  "same": out = ceil(steps /
// stride), the odd padding goes after. "causal": as "same", with all padding before, so that no step sees a later one.
// Weights: kernel (k, c / groups, filters), bias (filters,). c must be known when the layer is built.
class Conv1D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive, an unknown padding word, groups that do not divide the
  // filters, and strides together with dilation.
  explicit Conv1D(std::int64_t filters, std::int64_t kernel_size, const Conv1DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using Convolution1D = Conv1D;

}  // namespace keratin
