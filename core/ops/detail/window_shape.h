// WindowShape: the sizes of a convolution or pooling, as kernels of any backend take them.
#pragma once

#include <cstdint>

namespace keratin {

// x: (n, h, w, c), kernel: (kh, kw, c / groups, f), y: (n, oh, ow, f). Pooling: c = f = groups.
// y[oy, ox] sees x[oy * stride_h - pad_top + ky * dilation_h, ...]. Outside the image x is zero to a convolution, and
// takes no part in pooling.
struct WindowShape {
  std::int64_t n = 0, h = 0, w = 0, c = 0;
  std::int64_t kh = 1, kw = 1, oh = 0, ow = 0, f = 0;
  std::int64_t stride_h = 1, stride_w = 1, pad_top = 0, pad_left = 0, dilation_h = 1, dilation_w = 1, groups = 1;
};

}  // namespace keratin
