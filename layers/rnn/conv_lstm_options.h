// Options of the ConvLSTM layers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"

namespace keratin {

// `Size`: one number for each spatial axis.
template <class Size>
struct ConvLSTMOptions {
  Size strides = 1;
  std::string padding = "valid";  // of the inputs' convolution: "valid" or "same"; the states' is "same"
  Size dilation_rate = 1;         // of the inputs' convolution; with strides above 1 only 1, as in Keras
  ActivationFunction activation = "tanh";
  ActivationFunction recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;  // the forget gate's bias begins with ones
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint recurrent_constraint = {};
  Constraint bias_constraint = {};
  double dropout = 0.0;            // of the inputs, in training: one mask for all steps of a sequence
  double recurrent_dropout = 0.0;  // of the states, in training: one mask for all steps
  std::optional<std::uint64_t> seed = {};
  bool return_sequences = false;  // the outputs of all steps, instead of the last one
  bool return_state = false;      // the states after the last step too: outputs 1, 2
  bool go_backwards = false;      // from the last step to the first, whose output comes last
  bool stateful = false;          // a batch begins with the states the one before ended with
  std::string name = {};
  bool trainable = true;
};

}  // namespace keratin
