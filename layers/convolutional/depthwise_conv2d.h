// DepthwiseConv2D: a 2-D convolution of each channel by itself (keras.layers.DepthwiseConv2D).
#pragma once

#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"
#include "keratin/layers/size2d.h"

namespace keratin {

struct DepthwiseConv2DOptions {
  Size2D strides = 1;
  std::string padding = "valid";      // "valid": none; "same": the output has ceil(size / strides) pixels
  std::int64_t depth_multiplier = 1;  // kernels for each channel
  Size2D dilation_rate = 1;
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
// x: (n, h, w, c) -> y: (n, oh, ow, c·depth_multiplier)
// "valid": oh = floor((h - reach) / stride) + 1 with reach = (kh - 1)·dilation + 1;  "same": oh = ceil(h / stride), the
// odd padding goes after. Weights: kernel (kh, kw, c, depth_multiplier), bias (c·depth_multiplier,). c must be known
// when the layer is built.
class DepthwiseConv2D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive and for an unknown padding word.
  explicit DepthwiseConv2D(Size2D kernel_size, const DepthwiseConv2DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
