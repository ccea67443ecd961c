#include "keratin/layers/rnn/conv_lstm2d.h"

#include "keratin/layers/detail/conv_lstm.h"

namespace keratin {

ConvLSTM2D::ConvLSTM2D(std::int64_t filters, Size2D kernel_size, const ConvLSTM2DOptions& options)
    : Layer(detail::make_conv_lstm("ConvLSTM2D", filters, kernel_size, options)) {}

Layer ConvLSTM2D::from_config(ConfigReader& c) {
  const std::int64_t filters = c.integer("filters");
  const Size2D kernel_size = detail::read_size2d(c, "kernel_size");
  return ConvLSTM2D(filters, kernel_size, detail::read_conv_lstm_options<Size2D>(c));
}

}  // namespace keratin
