#include "keratin/layers/convolutional/conv3d_transpose.h"

#include "keratin/layers/detail/conv_layer.h"

namespace keratin {
namespace {

detail::ConvArguments arguments_of(std::int64_t filters, Size3D kernel_size, const Conv3DTransposeOptions& options) {
  detail::ConvArguments arguments = detail::conv_arguments("Conv3DTranspose", kernel_size, options);
  arguments.filters = filters;
  return arguments;
}

}  // namespace

Conv3DTranspose::Conv3DTranspose(std::int64_t filters, Size3D kernel_size, const Conv3DTransposeOptions& options)
    : Layer(detail::make_conv_transpose(arguments_of(filters, kernel_size, options))) {}

Layer Conv3DTranspose::from_config(ConfigReader& c) {
  const std::int64_t filters = c.integer("filters");
  const Size3D kernel_size = detail::read_size3d(c, "kernel_size");
  return Conv3DTranspose(filters, kernel_size, detail::read_conv_options<Conv3DTransposeOptions>(c));
}

}  // namespace keratin
