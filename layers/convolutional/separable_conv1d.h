// SeparableConv1D: a 1-D convolution of each channel by itself, then one across channels
// (keras.layers.SeparableConv1D).
#pragma once

#include <cstdint>
#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"

namespace keratin {

struct SeparableConv1DOptions {
  std::int64_t strides = 1;
  std::string padding = "valid";  // "valid": none; "same": the output has ceil(size / strides) steps
  std::int64_t dilation_rate = 1;
  std::int64_t depth_multiplier = 1;  // kernels for each channel
  ActivationFunction activation = {};
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform";
  Initializer pointwise_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer depthwise_regularizer = {};
  Regularizer pointwise_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint depthwise_constraint = {};
  Constraint pointwise_constraint = {};
  Constraint bias_constraint = {};
  std::string name = {};
  bool trainable = true;
};

// y = activation(conv(depthwise_conv(x, depthwise_kernel), pointwise_kernel) + bias).
// x: (n, steps, c) -> y: (n, out, filters)
// "valid": out = floor((steps - reach) / stride) + 1 with reach = (k - 1)·dilation + 1;  "same": out = ceil(steps /
// stride), the odd padding goes after. Weights: depthwise_kernel (k, c, depth_multiplier), pointwise_kernel (1,
// c·depth_multiplier, filters), bias (filters,). c must be known when the layer is built.
class SeparableConv1D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive and for an unknown padding word.
  explicit SeparableConv1D(std::int64_t filters, std::int64_t kernel_size, const SeparableConv1DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using SeparableConvolution1D = SeparableConv1D;

}  // namespace keratin
