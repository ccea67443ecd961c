// GRU and its cell (keras.layers.GRU, keras.layers.GRUCell).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"

namespace keratin {

struct GRUOptions {
  ActivationFunction activation = "tanh";
  ActivationFunction recurrent_activation = "sigmoid";
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
  std::optional<std::uint64_t> seed = {};
  bool return_sequences = false;  // the outputs of all steps, instead of the last one
  bool return_state = false;      // the states after the last step too: outputs 1, 2, ...
  bool go_backwards = false;      // from the last step to the first, whose output comes last
  bool stateful = false;          // a batch begins with the states the one before ended with
  bool unroll = false;            // kept in files; has no effect
  bool reset_after = true;        // the reset gate after the matrix product, as on GPUs; with two biases
  std::string name = {};
  bool trainable = true;
};

// z, r = recurrent_activation(...), h = z·h + (1 - z)·activation(...), from step to step; one state, h, which begin as
// zeros.
// x: (n, time, features) -> y: (n, units), the last output, or (n, time, units) with return_sequences.
// `layer({x, states...})` begins with these states, each (n, units); as in Keras, a mask does not count then.
// With return_state the other outputs of `layer.call(...)` are the last states. In masked steps the states stay.
// Weights, in the cell: kernel (features, 3·units), recurrent_kernel (units, 3·units), bias (2, 3·units), or (3·units,)
// without reset_after. Gates lie in the order z, r, h.
class GRU : public Layer {
 public:
  // Throws InvalidArgument for units that are not positive and for a dropout outside [0, 1].
  explicit GRU(std::int64_t units, GRUOptions options = {});
  static Layer from_config(ConfigReader& c);
};

struct GRUCellOptions {
  ActivationFunction activation = "tanh";
  ActivationFunction recurrent_activation = "sigmoid";
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
  bool reset_after = true;
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  bool trainable = true;
};

// One step: {x (n, features), states...} -> {y (n, units), next states...}. For RNN and StackedRNNCells.
class GRUCell : public Layer {
 public:
  explicit GRUCell(std::int64_t units, GRUCellOptions options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
