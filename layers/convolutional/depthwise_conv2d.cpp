#include "keratin/layers/convolutional/depthwise_conv2d.h"

#include "keratin/layers/detail/conv_layer.h"

namespace keratin {
DepthwiseConv2D::DepthwiseConv2D(Size2D kernel_size, const DepthwiseConv2DOptions& options)
    : Layer(detail::make_depthwise_conv(detail::conv_arguments("DepthwiseConv2D", kernel_size, options))) {}

Layer DepthwiseConv2D::from_config(ConfigReader& c) {
  const Size2D kernel_size = detail::read_size2d(c, "kernel_size");
  return DepthwiseConv2D(kernel_size, detail::read_conv_options<DepthwiseConv2DOptions>(c));
}

}  // namespace keratin
