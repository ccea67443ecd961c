// 2-D pooling, channels last.
#pragma once

#include <array>

#include "keratin/core/graph/node.h"
#include "keratin/core/ops/conv.h"

namespace keratin {

struct Pool2DAttrs {
  std::array<std::int64_t, 2> window = {2, 2}, strides = {2, 2};
  Padding2D padding = {};
};

// x: (n, h, w, c) -> y: (n, oh, ow, c). Padding never wins a maximum and is not counted in an average.
extern const OpDef kMaxPool2D, kAveragePool2D;
// dx from (x, y, dy): the gradient goes to the first maximum of each window, in row-major order.
extern const OpDef kMaxPool2DGrad;

// Made by the compiler where both the result and the gradient of a maximum are asked for: y, and which tap of its
// window (row-major, from 0, padding included; uint8) each maximum is. Windows have at most 255 taps.
extern const OpDef kMaxPool2DIndex;
// dx from (that tap, dy).
struct MaxPool2DIndexGradAttrs {
  Pool2DAttrs pool = {};
  Shape input_shape = {};
};
extern const OpDef kMaxPool2DIndexGrad;

// max_pool2d of a fused convolution, inputs as there: y, and with `index` the taps as well. Made by the compiler.
struct Conv2DPoolAttrs {
  Conv2DFusedAttrs conv = {};
  Pool2DAttrs pool = {};
  bool index = false;
};
extern const OpDef kConv2DPool;

// The gradient of its kernel from (x, taps, dy): conv2d_kernel_grad of (x, max_pool2d_index_grad of (taps, dy)). Made
// by the compiler.
struct Conv2DPoolKernelGradAttrs {
  Conv2DKernelGradAttrs conv = {};
  Pool2DAttrs pool = {};
};
extern const OpDef kConv2DPoolKernelGrad;

// dx from dy.
struct AveragePool2DGradAttrs {
  Pool2DAttrs pool = {};
  Shape input_shape = {};
};
extern const OpDef kAveragePool2DGrad;

namespace ops {
Value max_pool2d(Value x, Pool2DAttrs attrs = {});
Value average_pool2d(Value x, Pool2DAttrs attrs = {});
}  // namespace ops

}  // namespace keratin
