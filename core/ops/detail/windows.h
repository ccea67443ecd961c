// Windows that slide over the two spatial axes of an image: what convolution and pooling share.
#pragma once

#include <optional>

#include "keratin/core/ops/conv.h"
#include "keratin/core/ops/detail/window_shape.h"
#include "keratin/core/ops/pool.h"

namespace keratin::op_support {

// The number of places of a window on each axis: (size + pads - (window - 1) * dilation - 1) / stride + 1. Throws
// InvalidArgument for sizes, strides or dilations below 1, negative padding, and a window that does not fit.
std::array<std::int64_t, 2> windowed_size(std::array<std::int64_t, 2> size, std::array<std::int64_t, 2> window,
                                          std::array<std::int64_t, 2> strides, const Padding2D& padding,
                                          std::array<std::int64_t, 2> dilation = {1, 1});

// The sizes for attributes and operands; nothing when they do not fit each other.
std::optional<WindowShape> window_shape(const Conv2DAttrs& attrs, const Shape& x, const Shape& kernel, const Shape& y);
std::optional<WindowShape> window_shape(const Pool2DAttrs& attrs, const Shape& x, const Shape& y);

}  // namespace keratin::op_support
