// Conv2DTranspose: a transposed 2-D convolution: it enlarges (keras.layers.Conv2DTranspose).
#pragma once

#include <optional>
#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"
#include "keratin/layers/size2d.h"

namespace keratin {

struct Conv2DTransposeOptions {
  Size2D strides = 1;
  std::string padding = "valid";              // "valid": none; "same": the output has size · strides pixels
  std::optional<Size2D> output_padding = {};  // pixels more at the end, fewer than strides
  Size2D dilation_rate = 1;                   // with strides above 1 only 1, as in Keras
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

// y = activation(what a convolution with this kernel would make x of: its gradient, plus bias).
// x: (n, h, w, c) -> y: (n, oh, ow, filters), with reach = (kh - 1)·dilation + 1
// "valid": oh = (h - 1)·stride + max(reach, stride), or (h - 1)·stride + reach + output_padding;
// "same": oh = h·stride, or (h - 1)·stride + reach % 2 + output_padding.
// Weights: kernel (kh, kw, filters, c), bias (filters,). c must be known when the layer is built.
class Conv2DTranspose : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive, an unknown padding word, an output_padding that is not
  // smaller than strides, and strides together with dilation.
  explicit Conv2DTranspose(std::int64_t filters, Size2D kernel_size, const Conv2DTransposeOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using Convolution2DTranspose = Conv2DTranspose;

}  // namespace keratin
