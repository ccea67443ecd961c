#include "keratin/layers/convolutional/conv2d_transpose.h"

#include "keratin/layers/detail/conv_layer.h"

namespace keratin {
namespace {

detail::ConvArguments arguments_of(std::int64_t filters, Size2D kernel_size, const Conv2DTransposeOptions& options) {
  detail::ConvArguments arguments = detail::conv_arguments("Conv2DTranspose", kernel_size, options);
  arguments.filters = filters;
  return arguments;
}

}  // namespace

Conv2DTranspose::Conv2DTranspose(std::int64_t filters, Size2D kernel_size, const Conv2DTransposeOptions& options)
    : Layer(detail::make_conv_transpose(arguments_of(filters, kernel_size, options))) {}

Layer Conv2DTranspose::from_config(ConfigReader& c) {
  const std::int64_t filters = c.integer("filters");
  const Size2D kernel_size = detail::read_size2d(c, "kernel_size");
  return Conv2DTranspose(filters, kernel_size, detail::read_conv_options<Conv2DTransposeOptions>(c));
}

}  // namespace keratin
