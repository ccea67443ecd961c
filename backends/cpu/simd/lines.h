// Sizes of convolutions that go straight from the lines of an image.
#pragma once

#include "keratin/backends/cpu/simd/vec.h"

namespace keratin::cpu::KERATIN_ISA {

KERATIN_INLINE i64 least(i64 a, i64 b) { return a < b ? a : b; }
KERATIN_INLINE i64 most(i64 a, i64 b) { return a > b ? a : b; }

// Columns that the windows of a line see: from -pad_left on.
KERATIN_INLINE i64 line_width(const WindowShape& s) { return (s.ow - 1) * s.stride_w + s.kw; }

// The input's gradient as a convolution of dy, for strides of 1: every pixel sees what saw it.
KERATIN_INLINE WindowShape transposed(const WindowShape& s) {
  return {.n = s.n,
          .h = s.oh,
          .w = s.ow,
          .c = s.f,
          .kh = s.kh,
          .kw = s.kw,
          .oh = s.h,
          .ow = s.w,
          .f = s.c,
          .pad_top = s.kh - 1 - s.pad_top,
          .pad_left = s.kw - 1 - s.pad_left};
}

}  // namespace keratin::cpu::KERATIN_ISA
