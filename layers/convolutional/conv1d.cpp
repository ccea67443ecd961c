#include "keratin/layers/convolutional/conv1d.h"

#include "keratin/layers/detail/conv_layer.h"

namespace keratin {
namespace {

detail::ConvArguments arguments_of(std::int64_t filters, std::int64_t kernel_size, const Conv1DOptions& options) {
  detail::ConvArguments arguments = detail::conv_arguments("Conv1D", kernel_size, options);
  arguments.filters = filters;
  return arguments;
}

}  // namespace

Conv1D::Conv1D(std::int64_t filters, std::int64_t kernel_size, const Conv1DOptions& options)
    : Layer(detail::make_conv(arguments_of(filters, kernel_size, options))) {}

Layer Conv1D::from_config(ConfigReader& c) {
  const std::int64_t filters = c.integer("filters");
  const std::int64_t kernel_size = detail::read_size1d(c, "kernel_size");
  return Conv1D(filters, kernel_size, detail::read_conv_options<Conv1DOptions>(c));
}

}  // namespace keratin
