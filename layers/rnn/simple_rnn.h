// SimpleRNN and its cell (keras.layers.SimpleRNN, keras.layers.SimpleRNNCell).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"

namespace keratin {

struct SimpleRNNOptions {
  ActivationFunction activation = "tanh";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint recurrent_constraint = {};
  Constraint bias_constraint = {};
  double dropout = 0.0;            // of the inputs, in training: one mask for all steps of a sequence
  double recurrent_dropout = 0.0;  // of the states, in training: one mask for all steps
  bool return_sequences = false;   // the outputs of all steps, instead of the last one
  bool return_state = false;       // the states after the last step too: outputs 1, 2, ...
  bool go_backwards = false;       // from the last step to the first, whose output comes last
  bool stateful = false;           // a batch begins with the states the one before ended with
  bool unroll = false;             // kept in files; has no effect
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  bool trainable = true;
};

// h = activation(x·kernel + h·recurrent_kernel + bias), from step to step; one state, h, which begin as zeros.
// x: (n, time, features) -> y: (n, units), the last output, or (n, time, units) with return_sequences.
// `layer({x, states...})` begins with these states, each (n, units); as in Keras, a mask does not count then.
// With return_state the other outputs of `layer.call(...)` are the last states. In masked steps the states stay.
// Weights, in the cell: kernel (features, units), recurrent_kernel (units, units), bias (units,).
class SimpleRNN : public Layer {
 public:
  // Throws InvalidArgument for units that are not positive and for a dropout outside [0, 1].
  explicit SimpleRNN(std::int64_t units, SimpleRNNOptions options = {});
  static Layer from_config(ConfigReader& c);
};

struct SimpleRNNCellOptions {
  ActivationFunction activation = "tanh";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint recurrent_constraint = {};
  Constraint bias_constraint = {};
  double dropout = 0.0;            // of the inputs, in training: one mask for all steps of a sequence
  double recurrent_dropout = 0.0;  // of the states, in training: one mask for all steps
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  bool trainable = true;
};

// One step: {x (n, features), states...} -> {y (n, units), next states...}. For RNN and StackedRNNCells.
class SimpleRNNCell : public Layer {
 public:
  explicit SimpleRNNCell(std::int64_t units, SimpleRNNCellOptions options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
