// What the ConvLSTM layers share: a cell of convolutions for any number of spatial axes.
#pragma once

#include <memory>
#include <string>

#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/conv_nd.h"
#include "keratin/layers/detail/rnn_layer.h"
#include "keratin/layers/rnn/conv_lstm_options.h"

namespace keratin::detail {

// Throws InvalidArgument, naming `layer`, for arguments that make no sense. `cell.units` are the filters.
std::shared_ptr<RecurrentCell> make_conv_lstm_cell(const std::string& layer, CellArguments cell, Windows windows,
                                                   const std::string& padding);

template <class Size>
std::shared_ptr<LayerImpl> make_conv_lstm(const std::string& class_name, std::int64_t filters, Size kernel_size,
                                          const ConvLSTMOptions<Size>& o) {
  CellArguments cell = cell_arguments(filters, o);
  cell.name = "conv_lstm_cell";  // as in Keras
  Windows windows{sizes_of(kernel_size), sizes_of(o.strides), sizes_of(o.dilation_rate)};
  return std::make_shared<RnnLayer>(class_name,
                                    make_conv_lstm_cell(class_name, std::move(cell), std::move(windows), o.padding),
                                    rnn_arguments(o), false);
}

template <class Size>
ConvLSTMOptions<Size> read_conv_lstm_options(ConfigReader& c) {
  ConvLSTMOptions<Size> o = read_recurrent_options<ConvLSTMOptions<Size>>(c);
  expect_channels_last(c);
  read_size(c, "strides", o.strides);
  o.padding = c.text("padding", "valid");
  read_size(c, "dilation_rate", o.dilation_rate);
  return o;
}

}  // namespace keratin::detail
