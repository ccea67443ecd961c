// Index arithmetic of kernels: where the i-th element of a row-major result comes from in operands that are broadcast,
// transposed or pieces of larger arrays.
#pragma once

#include "keratin/backends/cuda/device/launch.h"

namespace keratin::cuda {

inline constexpr int kMaxAxes = 8;

// a / b; numbers that fit 32 bits are divided as such, which takes a quarter of the time.
KERATIN_HOST_DEVICE inline i64 quotient(i64 a, i64 b) {
  if (((a | b) >> 32) == 0) return static_cast<i64>(static_cast<std::uint32_t>(a) / static_cast<std::uint32_t>(b));
  return a / b;
}

// The axes of a result, outermost first, and the strides of up to three operands on them, in elements.
template <int operands>
struct Strided {
  int axes = 0;
  i64 size[kMaxAxes] = {};
  i64 stride[operands][kMaxAxes] = {};

  struct Offsets {
    i64 at[operands];
  };
  KERATIN_HOST_DEVICE Offsets offsets(i64 index) const {
    Offsets result = {};
    for (int axis = axes - 1; axis >= 0; --axis) {
      const i64 rest = quotient(index, size[axis]), position = index - rest * size[axis];
      for (int k = 0; k < operands; ++k) result.at[k] += position * stride[k][axis];
      index = rest;
    }
    return result;
  }
};

}  // namespace keratin::cuda
