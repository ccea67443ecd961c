// SeparableConv2D: a 2-D convolution of each channel by itself, then one across channels
// (keras.layers.SeparableConv2D).
#pragma once

#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"
#include "keratin/layers/size2d.h"

namespace keratin {

struct SeparableConv2DOptions {
  Size2D strides = 1;
  std::string padding = "valid";  // "valid": none; "same": the output has ceil(size / strides) pixels
  Size2D dilation_rate = 1;
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
// x: (n, h, w, c) -> y: (n, oh, ow, filters)
// "valid": oh = floor((h - reach) / stride) + 1 with reach = (kh - 1)·dilation + 1;  "same": oh = ceil(h / stride), the
// odd padding goes after. Weights: depthwise_kernel (kh, kw, c, depth_multiplier), pointwise_kernel (1, 1,
// c·depth_multiplier, filters), bias (filters,). c must be known when the layer is built.
class SeparableConv2D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive and for an unknown padding word.
  explicit SeparableConv2D(std::int64_t filters, Size2D kernel_size, const SeparableConv2DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using SeparableConvolution2D = SeparableConv2D;

}  // namespace keratin
