// RNN: a loop of any cell over time; StackedRNNCells: several cells as one (keras.layers.RNN, .StackedRNNCells).
#pragma once

#include <string>
#include <vector>

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

struct RNNOptions {
  bool return_sequences = false;      // the outputs of all steps, instead of the last one
  bool return_state = false;          // the states after the last step too: outputs 1, 2, ...
  bool go_backwards = false;          // from the last step to the first, whose output comes last
  bool stateful = false;              // a batch begins with the states the one before ended with
  bool unroll = false;                // kept in files; has no effect
  bool zero_output_for_mask = false;  // zeros for masked steps, instead of the output before
  std::string name = {};
  bool trainable = true;
};

// `RNN(LSTMCell(32))` computes what LSTM(32) does. x: (n, time, features) -> y: (n, units) or (n, time, units).
class RNN : public Layer {
 public:
  // `cell`: a SimpleRNNCell, LSTMCell, GRUCell or StackedRNNCells. Throws InvalidArgument for another layer.
  explicit RNN(const Layer& cell, const RNNOptions& options = {});
  // A stack of cells.
  explicit RNN(const std::vector<Layer>& cells, const RNNOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

// In each step the output of a cell is the input of the next one. The states are those of all cells, in order.
class StackedRNNCells : public Layer {
 public:
  // Throws InvalidArgument when there is no cell, and for other layers than cells.
  explicit StackedRNNCells(const std::vector<Layer>& cells, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
