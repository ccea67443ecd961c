// Conv3D: a 3-D convolution (keras.layers.Conv3D).
#pragma once

#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"
#include "keratin/layers/size3d.h"

namespace keratin {

struct Conv3DOptions {
  Size3D strides = 1;
  std::string padding = "valid";  // "valid": none; "same": the output has ceil(size / strides) voxels
  Size3D dilation_rate = 1;       // with strides above 1 only 1, as in Keras
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

// y = activation(conv(x, kernel) + bias), a cross-correlation.   x: (n, d, h, w, c) -> y: (n, od, oh, ow, filters)
// "valid": od = floor((d - reach) / stride) + 1 with reach = (kd - 1)·dilation + 1;  "same": od = ceil(d / stride), the
// odd padding goes after. Weights: kernel (kd, kh, kw, c / groups, filters), bias (filters,). c must be known when the
// layer is built.
class Conv3D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive, an unknown padding word, groups that do not divide the
  // filters, and strides together with dilation.
  explicit Conv3D(std::int64_t filters, Size3D kernel_size, const Conv3DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using Convolution3D = Conv3D;

}  // namespace keratin
