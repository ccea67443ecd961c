#include "keratin/layers/convolutional/conv3d.h"

#include "keratin/layers/detail/conv_layer.h"

namespace keratin {
namespace {

detail::ConvArguments arguments_of(std::int64_t filters, Size3D kernel_size, const Conv3DOptions& options) {
  detail::ConvArguments arguments = detail::conv_arguments("Conv3D", kernel_size, options);
  arguments.filters = filters;
  return arguments;
}

}  // namespace

Conv3D::Conv3D(std::int64_t filters, Size3D kernel_size, const Conv3DOptions& options)
    : Layer(detail::make_conv(arguments_of(filters, kernel_size, options))) {}

Layer Conv3D::from_config(ConfigReader& c) {
  const std::int64_t filters = c.integer("filters");
  const Size3D kernel_size = detail::read_size3d(c, "kernel_size");
  return Conv3D(filters, kernel_size, detail::read_conv_options<Conv3DOptions>(c));
}

}  // namespace keratin
