// Conv3DTranspose: a transposed 3-D convolution: it enlarges (keras.layers.Conv3DTranspose).
#pragma once

#include <optional>
#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"
#include "keratin/layers/size3d.h"

namespace keratin {

struct Conv3DTransposeOptions {
  Size3D strides = 1;
  std::string padding = "valid";              // "valid": none; "same": the output has size · strides voxels
  std::optional<Size3D> output_padding = {};  // voxels more at the end, fewer than strides
  Size3D dilation_rate = 1;                   // with strides above 1 only 1, as in Keras
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
// x: (n, d, h, w, c) -> y: (n, od, oh, ow, filters), with reach = (kd - 1)·dilation + 1
// "valid": od = (d - 1)·stride + max(reach, stride), or (d - 1)·stride + reach + output_padding;
// "same": od = d·stride, or (d - 1)·stride + reach % 2 + output_padding.
// Weights: kernel (kd, kh, kw, filters, c), bias (filters,). c must be known when the layer is built.
class Conv3DTranspose : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive, an unknown padding word, an output_padding that is not
  // smaller than strides, and strides together with dilation.
  explicit Conv3DTranspose(std::int64_t filters, Size3D kernel_size, const Conv3DTransposeOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using Convolution3DTranspose = Conv3DTranspose;

}  // namespace keratin
