// LSTM and its cell (keras.layers.LSTM, keras.layers.LSTMCell).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"

namespace keratin {

struct LSTMOptions {
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
  bool return_state = false;      // the states after the last step too: outputs 1, 2, ...
  bool go_backwards = false;      // from the last step to the first, whose output comes last
  bool stateful = false;          // a batch begins with the states the one before ended with
  bool unroll = false;            // kept in files; has no effect
  std::string name = {};
  bool trainable = true;
};

// i, f, o = recurrent_activation(...), c = f·c + i·activation(...), h = o·activation(c), from step to step; two states,
// h and c, which begin as zeros.
// x: (n, time, features) -> y: (n, units), the last output, or (n, time, units) with return_sequences.
// `layer({x, states...})` begins with these states, each (n, units); as in Keras, a mask does not count then.
// With return_state the other outputs of `layer.call(...)` are the last states. In masked steps the states stay.
// Weights, in the cell: kernel (features, 4·units), recurrent_kernel (units, 4·units), bias (4·units,). Gates lie in
// the order i, f, c, o.
class LSTM : public Layer {
 public:
  // Throws InvalidArgument for units that are not positive and for a dropout outside [0, 1].
  explicit LSTM(std::int64_t units, LSTMOptions options = {});
  static Layer from_config(ConfigReader& c);
};

struct LSTMCellOptions {
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
class LSTMCell : public Layer {
 public:
  explicit LSTMCell(std::int64_t units, LSTMCellOptions options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
