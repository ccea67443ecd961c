// ConvLSTM3D: an LSTM of volumes, whose products are convolutions (keras.layers.ConvLSTM3D).
#pragma once

#include "keratin/layers/rnn/conv_lstm_options.h"
#include "keratin/layers/size3d.h"

namespace keratin {

using ConvLSTM3DOptions = ConvLSTMOptions<Size3D>;

// An LSTM with z = conv(x, kernel) + conv(h, recurrent_kernel) + bias, and states h and c of the shape of an output.
// x: (n, time, d, h, w, c) -> y: (n, od, oh, ow, filters), the last output, or one for each time with return_sequences.
// `layer({x, h, c})` begins with these states. With return_state the other outputs of `layer.call(...)` are the last
// states. In masked steps the states stay.
// Weights, in the cell: kernel (kd, kh, kw, c, 4·filters), recurrent_kernel (kd, kh, kw, filters, 4·filters), bias
// (4·filters,). Gates lie in the order i, f, c, o.
class ConvLSTM3D : public Layer {
 public:
  // Throws InvalidArgument for numbers that are not positive, an unknown padding word, strides together with dilation
  // and a dropout outside [0, 1].
  ConvLSTM3D(std::int64_t filters, Size3D kernel_size, const ConvLSTM3DOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
