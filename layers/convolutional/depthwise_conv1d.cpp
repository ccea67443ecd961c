#include "keratin/layers/convolutional/depthwise_conv1d.h"

#include "keratin/layers/detail/conv_layer.h"

namespace keratin {
DepthwiseConv1D::DepthwiseConv1D(std::int64_t kernel_size, const DepthwiseConv1DOptions& options)
    : Layer(detail::make_depthwise_conv(detail::conv_arguments("DepthwiseConv1D", kernel_size, options))) {}

Layer DepthwiseConv1D::from_config(ConfigReader& c) {
  const std::int64_t kernel_size = detail::read_size1d(c, "kernel_size");
  return DepthwiseConv1D(kernel_size, detail::read_conv_options<DepthwiseConv1DOptions>(c));
}

}  // namespace keratin
