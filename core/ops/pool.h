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
