#include "keratin/layers/convolutional/conv2d.h"

#include "keratin/layers/detail/conv_layer.h"

namespace keratin {
namespace {

detail::ConvArguments arguments_of(std::int64_t filters, Size2D kernel_size, const Conv2DOptions& options) {
  detail::ConvArguments arguments = detail::conv_arguments("Conv2D", kernel_size, options);
  arguments.filters = filters;
  return arguments;
}

}  // namespace

Conv2D::Conv2D(std::int64_t filters, Size2D kernel_size, const Conv2DOptions& options)
    : Layer(detail::make_conv(arguments_of(filters, kernel_size, options))) {}

Layer Conv2D::from_config(ConfigReader& c) {
  const std::int64_t filters = c.integer("filters");
  const Size2D kernel_size = detail::read_size2d(c, "kernel_size");
  return Conv2D(filters, kernel_size, detail::read_conv_options<Conv2DOptions>(c));
}

}  // namespace keratin
