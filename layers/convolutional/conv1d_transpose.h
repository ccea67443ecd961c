// Conv1DTranspose: a transposed 1-D convolution: it enlarges (keras.layers.Conv1DTranspose).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"

namespace keratin {

struct Conv1DTransposeOptions {
  std::int64_t strides = 1;
  std::string padding = "valid";                    // "valid": none; "same": the output has size · strides steps
  std::optional<std::int64_t> output_padding = {};  // steps more at the end, fewer than strides
  std::int64_t dilation_rate = 1;                   // with strides above 1 only 1, as in Keras
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
// x: (n, steps, c) -> y: (n, out, filters), with reach = (k - 1)·dilation + 1
// "valid": out = (steps - 1)·stride + max(reach, stride), or (steps - 1)·stride + reach + output_padding;
// "same": out = steps·stride, or (steps - 1)·stride + reach % 2 + output_padding.
// Weights: kernel (k, filters, c), bias (filters,). c must be known when the layer is built.
class Conv1DTranspose : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive, an unknown padding word, an output_padding that is not
  // smaller than strides, and strides together with dilation.
  explicit Conv1DTranspose(std::int64_t filters, std::int64_t kernel_size, const Conv1DTransposeOptions& options = {});
  static Layer from_config(ConfigReader& c);
};
using Convolution1DTranspose = Conv1DTranspose;

}  // namespace keratin
