#include "keratin/layers/convolutional/separable_conv1d.h"

#include "keratin/layers/detail/conv_layer.h"

namespace keratin {
namespace {

detail::ConvArguments arguments_of(std::int64_t filters, std::int64_t kernel_size,
                                   const SeparableConv1DOptions& options) {
  detail::ConvArguments arguments = detail::conv_arguments("SeparableConv1D", kernel_size, options);
  arguments.filters = filters;
  return arguments;
}

}  // namespace

SeparableConv1D::SeparableConv1D(std::int64_t filters, std::int64_t kernel_size, const SeparableConv1DOptions& options)
    : Layer(detail::make_separable_conv(arguments_of(filters, kernel_size, options))) {}

Layer SeparableConv1D::from_config(ConfigReader& c) {
  const std::int64_t filters = c.integer("filters");
  const std::int64_t kernel_size = detail::read_size1d(c, "kernel_size");
  return SeparableConv1D(filters, kernel_size, detail::read_conv_options<SeparableConv1DOptions>(c));
}

}  // namespace keratin
