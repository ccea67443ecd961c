#include "keratin/layers/convolutional/conv1d_transpose.h"

#include "keratin/layers/detail/conv_layer.h"

namespace keratin {
namespace {

detail::ConvArguments arguments_of(std::int64_t filters, std::int64_t kernel_size,
                                   const Conv1DTransposeOptions& options) {
  detail::ConvArguments arguments = detail::conv_arguments("Conv1DTranspose", kernel_size, options);
  arguments.filters = filters;
  return arguments;
}

}  // namespace

Conv1DTranspose::Conv1DTranspose(std::int64_t filters, std::int64_t kernel_size, const Conv1DTransposeOptions& options)
    : Layer(detail::make_conv_transpose(arguments_of(filters, kernel_size, options))) {}

Layer Conv1DTranspose::from_config(ConfigReader& c) {
  const std::int64_t filters = c.integer("filters");
  const std::int64_t kernel_size = detail::read_size1d(c, "kernel_size");
  return Conv1DTranspose(filters, kernel_size, detail::read_conv_options<Conv1DTransposeOptions>(c));
}

}  // namespace keratin
