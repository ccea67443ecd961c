// ConvLSTM1D: an LSTM of sequences, whose products are convolutions (keras.layers.ConvLSTM1D).
#pragma once

#include "keratin/layers/rnn/conv_lstm_options.h"

namespace keratin {

using ConvLSTM1DOptions = ConvLSTMOptions<std::int64_t>;

// An LSTM with z = conv(x, kernel) + conv(h, recurrent_kernel) + bias, and states h and c of the shape of an output.
// x: (n, time, steps, c) -> y: (n, osteps, filters), the last output, or one for each time with return_sequences.
// `layer({x, h, c})` begins with these states. With return_state the other outputs of `layer.call(...)` are the last
// states. In masked steps the states stay.
// Weights, in the cell: kernel (k, c, 4·filters), recurrent_kernel (k, filters, 4·filters), bias (4·filters,). Gates
// lie in the order i, f, c, o.
class ConvLSTM1D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive, an unknown padding word, strides together with dilation
  // and a dropout outside [0, 1].
  ConvLSTM1D(std::int64_t filters, std::int64_t kernel_size, const ConvLSTM1DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
