// DepthwiseConv1D: a 1-D convolution of each channel by itself (keras.layers.DepthwiseConv1D).
#pragma once

#include <cstdint>
#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"

namespace keratin {

struct DepthwiseConv1DOptions {
  std::int64_t strides = 1;
  std::string padding = "valid";      // "valid": none; "same": the output has ceil(size / strides) steps
  std::int64_t depth_multiplier = 1;  // kernels for each channel
  std::int64_t dilation_rate = 1;
  ActivationFunction activation = {};
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer depthwise_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint depthwise_constraint = {};
  Constraint bias_constraint = {};
  std::string name = {};
  bool trainable = true;
};

// y[..., i·depth_multiplier + j] = activation(conv(x[..., i], kernel[..., i, j]) + bias), a cross-correlation.
// x: (n, steps, c) -> y: (n, out, c·depth_multiplier)
// "valid": out = floor((steps - reach) / stride) + 1 with reach = (k - 1)·dilation + 1;  "same": out = ceil(steps /
// stride), the odd padding goes after. Weights: kernel (k, c, depth_multiplier), bias (c·depth_multiplier,). c must be
// known when the layer is built.
class DepthwiseConv1D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive and for an unknown padding word.
  explicit DepthwiseConv1D(std::int64_t kernel_size, const DepthwiseConv1DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
