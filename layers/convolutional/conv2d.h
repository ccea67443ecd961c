// Conv2D: a 2-D convolution (keras.layers.Conv2D).
#pragma once

#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"
#include "keratin/layers/size2d.h"

namespace keratin {

struct Conv2DOptions {
  Size2D strides = 1;
  std::string padding = "valid";  // "valid": none; "same": the output has ceil(size / strides) pixels
  Size2D dilation_rate = 1;       // with strides above 1 only 1, as in Keras
  std::int64_t groups = 1;        // must divide the channels and the filters
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

// y = activation(conv(x, kernel) + bias), a cross-correlation.   x: (n, h, w, c) -> y: (n, oh, ow, filters)
// "valid": oh = floor((h - reach) / stride) + 1 with reach = (kh - 1)·dilation + 1;  "same": oh = ceil(h / stride), the
// odd padding goes after. Weights: kernel (kh, kw, c / groups, filters), bias (filters,). c must be known when the
// layer is built.
class Conv2D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive, an unknown padding word, groups that do not divide the
  // filters, and strides together with dilation.
  explicit Conv2D(std::int64_t filters, Size2D kernel_size, const Conv2DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using Convolution2D = Conv2D;

}  // namespace keratin
