// 2-D convolution, channels last. Three ops, so that no backend has to guess which direction it computes.
#pragma once

#include <array>

#include "keratin/core/graph/node.h"
#include "keratin/core/ops/matmul.h"

namespace keratin {

// Padding before and after each of the two spatial axes, in pixels.
struct Padding2D {
  std::array<std::int64_t, 2> before = {0, 0}, after = {0, 0};
};

struct Conv2DAttrs {
  std::array<std::int64_t, 2> strides = {1, 1};
  Padding2D padding = {};
  std::array<std::int64_t, 2> dilation = {1, 1};
  std::int64_t groups = 1;
};

// x: (n, h, w, c)   kernel: (kh, kw, c/groups, f)   y: (n, oh, ow, f);   oh = (h + pads - (kh-1)*dilation - 1)/stride +
// 1 A cross-correlation, as everywhere in deep learning: y[o] = sum_k x[o*stride + k*dilation - pad] * kernel[k].
extern const OpDef kConv2D;

// dx from (dy, kernel); `input_shape` because strides hide it.
struct Conv2DInputGradAttrs {
  Conv2DAttrs conv = {};
  Shape input_shape = {};
};
extern const OpDef kConv2DInputGrad;

// dkernel from (x, dy).
struct Conv2DKernelGradAttrs {
  Conv2DAttrs conv = {};
  Shape kernel_shape = {};
};
extern const OpDef kConv2DKernelGrad;

// activation(conv2d(x, kernel) + bias): inputs x, kernel and, when `bias`, bias (f,). Made by the compiler.
struct Conv2DFusedAttrs {
  Conv2DAttrs conv = {};
  bool bias = false;
  FusedActivation activation = FusedActivation::none;
};
extern const OpDef kConv2DFused;

// activation((conv2d(x, kernel) + bias)*scale + shift + more): a convolution, batch normalisation with moving averages
// and perhaps a sum, as residual networks have them in predictions. Inputs x, kernel, scale (f,), shift (f,), then,
// when `bias`, bias (f,), and, when `more`, more in the result's shape. Made by the compiler.
struct Conv2DNormalizedAttrs {
  Conv2DAttrs conv = {};
  bool bias = false, more = false;
  FusedActivation activation = FusedActivation::none;
};
extern const OpDef kConv2DNormalized;

// Keras's 'same' padding for one axis: the output has ceil(size/stride) elements and the odd pixel goes after.
std::pair<std::int64_t, std::int64_t> same_padding(std::int64_t size, std::int64_t window, std::int64_t stride,
                                                   std::int64_t dilation = 1);
// The padding of both axes for "valid" or "same"; throws InvalidArgument for another word.
Padding2D resolve_padding(const std::string& padding, std::array<std::int64_t, 2> size,
                          std::array<std::int64_t, 2> window, std::array<std::int64_t, 2> strides,
                          std::array<std::int64_t, 2> dilation = {1, 1});

namespace ops {
Value conv2d(Value x, Value kernel, Conv2DAttrs attrs = {});
// What conv2d with these attributes and this kernel would make x of, from images of `size` (h, w): its gradient.
// x: (n, oh, ow, f)   kernel: (kh, kw, c/groups, f)   result: (n, h, w, c)
Value conv2d_transpose(Value x, Value kernel, std::array<std::int64_t, 2> size, Conv2DAttrs attrs = {});
}  // namespace ops

}  // namespace keratin
