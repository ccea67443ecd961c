#include "keratin/layers/rnn/conv_lstm3d.h"

#include "keratin/layers/detail/conv_lstm.h"

namespace keratin {

ConvLSTM3D::ConvLSTM3D(std::int64_t filters, Size3D kernel_size, const ConvLSTM3DOptions& options)
    : Layer(detail::make_conv_lstm("ConvLSTM3D", filters, kernel_size, options)) {}

Layer ConvLSTM3D::from_config(ConfigReader& c) {
  const std::int64_t filters = c.integer("filters");
  const Size3D kernel_size = detail::read_size3d(c, "kernel_size");
  return ConvLSTM3D(filters, kernel_size, detail::read_conv_lstm_options<Size3D>(c));
}

}  // namespace keratin
