// Convolutions over one, two or three spatial axes, composed of the 2-D ops.
#pragma once

#include <string>

#include "keratin/layers/detail/layer_support.h"

namespace keratin::detail {

struct Windows {
  Sizes window, strides, dilation;
};
// What is added at the ends of each axis.
struct Ends {
  Sizes before, after;
};

// For check_inputs: throws InvalidArgument when a window does not fit into (n, spatial..., c).
void require_fit(const std::string& padding, const Shape& input, const Windows& windows);

// The padding for "valid", "same" or "causal" (all of it before: no output sees what comes later).
Ends resolve_ends(const std::string& padding, const Sizes& size, const Windows& windows);

// x: (n, spatial..., c)   kernel: (spatial..., c / groups, f)   y: (n, out..., f)
Value conv_nd(const Value& x, const Value& kernel, const Windows& windows, const Ends& padding,
              std::int64_t groups = 1);

// x: (n, spatial..., c)   kernel: (spatial..., f, c)   y: (n, out..., f)
// What conv_nd with these windows and that padding would make x of is made of x: out is `size`.
Value conv_transpose_nd(const Value& x, const Value& kernel, const Windows& windows, const Ends& padding,
                        const Sizes& size);

// Elements start, start + stride, ... of an axis, `count` of them.
Value strided_slice(const Value& x, int axis, std::int64_t start, std::int64_t stride, std::int64_t count);

}  // namespace keratin::detail
