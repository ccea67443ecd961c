// Sizes of convolutions that go straight from the lines of an image.
#pragma once

#include "keratin/backends/cpu/simd/vec.h"

namespace keratin::cpu::KERATIN_ISA {

KERATIN_INLINE i64 least(i64 a, i64 b) { return a < b ? a : b; }
KERATIN_INLINE i64 most(i64 a, i64 b) { return a > b ? a : b; }

// Columns that the windows of a line see: from -pad_left on.
KERATIN_INLINE i64 line_width(const WindowShape& s) { return (s.ow - 1) * s.stride_w + s.kw; }

// The input's gradient as convolutions of dy with strides of 1. With strides, pixels of different remainders are seen
// by different taps: a phase is the pixels first_y + i·stride_h, first_x + i·stride_w and the taps that see them.
struct Phase {
  i64 first_y = 0, first_x = 0;
  i64 tap_y = 0, tap_x = 0;  // the first tap of each axis; the others follow in steps of the strides
  WindowShape shape;         // from dy to the pixels of the phase; kh or kw is 0 when no tap sees them
};

KERATIN_INLINE i64 ceil_of(i64 a, i64 b) { return (a + b - 1) / b; }

KERATIN_INLINE Phase phase_of(const WindowShape& s, i64 first_y, i64 first_x) {
  Phase p;
  p.first_y = first_y;
  p.first_x = first_x;
  p.tap_y = (first_y + s.pad_top) % s.stride_h;
  p.tap_x = (first_x + s.pad_left) % s.stride_w;
  p.shape = {.n = s.n, .h = s.oh, .w = s.ow, .c = s.f};
  p.shape.kh = most(0, ceil_of(s.kh - p.tap_y, s.stride_h));
  p.shape.kw = most(0, ceil_of(s.kw - p.tap_x, s.stride_w));
  p.shape.oh = most(0, ceil_of(s.h - first_y, s.stride_h));
  p.shape.ow = most(0, ceil_of(s.w - first_x, s.stride_w));
  p.shape.f = s.c;
  p.shape.pad_top = p.shape.kh - 1 - (first_y + s.pad_top) / s.stride_h;
  p.shape.pad_left = p.shape.kw - 1 - (first_x + s.pad_left) / s.stride_w;
  return p;
}

}  // namespace keratin::cpu::KERATIN_ISA
