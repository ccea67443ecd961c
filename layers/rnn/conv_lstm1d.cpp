#include "keratin/layers/rnn/conv_lstm1d.h"

#include "keratin/layers/detail/conv_lstm.h"

namespace keratin {

ConvLSTM1D::ConvLSTM1D(std::int64_t filters, std::int64_t kernel_size, const ConvLSTM1DOptions& options)
    : Layer(detail::make_conv_lstm("ConvLSTM1D", filters, kernel_size, options)) {}

Layer ConvLSTM1D::from_config(ConfigReader& c) {
  const std::int64_t filters = c.integer("filters");
  const std::int64_t kernel_size = detail::read_size1d(c, "kernel_size");
  return ConvLSTM1D(filters, kernel_size, detail::read_conv_lstm_options<std::int64_t>(c));
}

}  // namespace keratin
