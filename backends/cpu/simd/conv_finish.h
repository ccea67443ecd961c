// What follows a convolution, on results that lie in memory already: where tiles do not do it before they store.
#pragma once

#include "keratin/backends/cpu/simd/vec.h"

namespace keratin::cpu::KERATIN_ISA {

template <class T>
KERATIN_INLINE bool does_nothing(const ConvFinish<T>& f) {
  return !f.bias && !f.scale && !f.more && f.activation == Activation::none;
}

// The columns [first, first + cols) of `rows` pixels that are `pixel` apart; y and more point at column `first`.
template <class T>
void finish_pixels(const ConvFinish<T>& f, i64 first, i64 cols, i64 rows, T* y, i64 pixel, const T* more) {
  using V = Vec<T>;
  if (does_nothing(f)) return;
  for (i64 j = 0; j < cols; j += V::size) {
    const i64 left = cols - j;
    const bool full = left >= V::size;
    const auto load = [&](const T* from) { return full ? V::load(from) : V::load_first(from, left); };
    V bias = V::zero(), scale = V::zero(), shift = V::zero();
    if (f.bias) bias = load(f.bias + first + j);
    if (f.scale) {
      scale = load(f.scale + first + j);
      shift = load(f.shift + first + j);
    }
    for (i64 i = 0; i < rows; ++i) {
      T* const to = y + i * pixel + j;
      V value = load(to);
      if (f.bias) value = V::add(value, bias);
      if (f.scale) value = V::add(V::mul(value, scale), shift);
      if (more) value = V::add(value, load(more + i * pixel + j));
      if (f.activation == Activation::relu) value = V::max(V::zero(), value);  // in this order a NaN stays
      if (full) {
        value.store(to);
      } else {
        value.store_first(to, left);
      }
    }
  }
}

}  // namespace keratin::cpu::KERATIN_ISA
