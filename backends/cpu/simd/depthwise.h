// Convolution with as many groups as channels and filters: every channel is filtered by itself, vectors run over
// channels.
#pragma once

#include "keratin/backends/cpu/simd/vec.h"

namespace keratin::cpu::KERATIN_ISA {

KERATIN_INLINE bool is_depthwise(const WindowShape& s) { return s.groups == s.c && s.f == s.c && s.c > 1; }

// f(offset of the pixel in x, offset of the tap in the filters, offset of the pixel in y) for every product of
// channels.
template <class F>
KERATIN_INLINE void for_taps(const WindowShape& s, i64 n0, i64 n1, F&& f) {
  i64 out = n0 * s.oh * s.ow * s.c;
  for (i64 n = n0; n < n1; ++n) {
    for (i64 oy = 0; oy < s.oh; ++oy) {
      for (i64 ox = 0; ox < s.ow; ++ox, out += s.c) {
        for (i64 ky = 0; ky < s.kh; ++ky) {
          const i64 y = oy * s.stride_h - s.pad_top + ky * s.dilation_h;
          if (y < 0 || y >= s.h) continue;
          for (i64 kx = 0; kx < s.kw; ++kx) {
            const i64 x = ox * s.stride_w - s.pad_left + kx * s.dilation_w;
            if (x < 0 || x >= s.w) continue;
            f(((n * s.h + y) * s.w + x) * s.c, (ky * s.kw + kx) * s.c, out);
          }
        }
      }
    }
  }
}

// c[i] += a[i]·b[i]
template <class T>
KERATIN_INLINE void add_products(const T* __restrict a, const T* __restrict b, T* __restrict c, i64 n) {
  for (i64 i = 0; i < n; ++i) c[i] = madd(a[i], b[i], c[i]);
}

template <class T>
void depthwise_forward(const WindowShape& s, i64 n0, i64 n1, const T* x, const T* kernel, const T* bias,
                       Activation activation, T* y) {
  const i64 pixels = s.oh * s.ow;
  for (i64 pixel = n0 * pixels; pixel < n1 * pixels; ++pixel) {
    for (i64 i = 0; i < s.c; ++i) y[pixel * s.c + i] = bias ? bias[i] : T{0};
  }
  for_taps(s, n0, n1, [&](i64 in, i64 tap, i64 out) { add_products(x + in, kernel + tap, y + out, s.c); });
  if (activation != Activation::relu) return;
  for (i64 i = n0 * pixels * s.c; i < n1 * pixels * s.c; ++i) y[i] = y[i] < T{0} ? T{0} : y[i];
}

template <class T>
void depthwise_input_gradient(const WindowShape& s, i64 n0, i64 n1, const T* dy, const T* kernel, T* dx) {
  const i64 image = s.h * s.w * s.c;
  for (i64 i = n0 * image; i < n1 * image; ++i) dx[i] = T{0};
  for_taps(s, n0, n1, [&](i64 in, i64 tap, i64 out) { add_products(dy + out, kernel + tap, dx + in, s.c); });
}

template <class T>
void depthwise_kernel_gradient(const WindowShape& s, i64 n0, i64 n1, const T* x, const T* dy, T* dkernel) {
  for_taps(s, n0, n1, [&](i64 in, i64 tap, i64 out) { add_products(x + in, dy + out, dkernel + tap, s.c); });
}

}  // namespace keratin::cpu::KERATIN_ISA
