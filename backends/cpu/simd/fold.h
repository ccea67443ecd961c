// Reductions of one contiguous run, in an order that depends on its length only.
#pragma once

#include "keratin/backends/cpu/simd/math.h"

namespace keratin::cpu::KERATIN_ISA {

template <class T>
constexpr bool kIsFloat = T{1} / T{2} != T{0};

struct Sum {
  template <class T>
  static constexpr T start = T{0};
  template <class T>
  static KERATIN_INLINE T join(T a, T b) {
    if constexpr (kIsFloat<T>) {
      return a + b;
    } else {
      return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    }
  }
};
struct Prod {
  template <class T>
  static constexpr T start = T{1};
  template <class T>
  static KERATIN_INLINE T join(T a, T b) {
    if constexpr (kIsFloat<T>) {
      return a * b;
    } else {
      return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
    }
  }
};
struct Max {
  template <class T>
  static constexpr T start = kIsFloat<T> ? static_cast<T>(-__builtin_inf())
                                         : static_cast<T>(std::uint64_t{1} << (8 * sizeof(T) - 1));
  template <class T>
  static KERATIN_INLINE T join(T a, T b) {
    return ((a > b) | (a != a)) ? a : b;
  }
};
struct Min {
  template <class T>
  static constexpr T start = kIsFloat<T> ? static_cast<T>(__builtin_inf())
                                         : static_cast<T>((std::uint64_t{1} << (8 * sizeof(T) - 1)) - 1);
  template <class T>
  static KERATIN_INLINE T join(T a, T b) {
    return ((a < b) | (a != a)) ? a : b;
  }
};

constexpr i64 kLanes = 32, kRun = 2048;

// Up to kRun elements: lane l takes every 32nd element, the lanes are joined as a tree.
template <class Op, class T>
T fold_short(const T* x, i64 n) {
  if (n <= 16) {
    T result = Op::template start<T>;
    for (i64 i = 0; i < n; ++i) result = Op::join(result, x[i]);
    return result;
  }
  T lane[kLanes];
  for (i64 l = 0; l < kLanes; ++l) lane[l] = Op::template start<T>;
  i64 i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (i64 l = 0; l < kLanes; ++l) lane[l] = Op::join(lane[l], x[i + l]);
  }
  for (i64 l = 0; i + l < n; ++l) lane[l] = Op::join(lane[l], x[i + l]);
  for (i64 width = kLanes / 2; width > 0; width /= 2) {
    for (i64 l = 0; l < width; ++l) lane[l] = Op::join(lane[l], lane[l + width]);
  }
  return lane[0];
}

// Any length: runs of kRun elements are joined pairwise, so that rounding errors grow with the logarithm of n only.
template <class Op, class T>
T fold(const T* x, i64 n) {
  if (n <= kRun) return fold_short<Op>(x, n);
  T stack[64];
  int depth = 0;
  std::uint64_t runs = 0;
  for (i64 i = 0; i < n; i += kRun) {
    T value = fold_short<Op>(x + i, n - i < kRun ? n - i : kRun);
    // As many joins as the counter of runs has trailing ones: the runs below form complete pairs.
    for (std::uint64_t bits = runs++; bits & 1; bits >>= 1) value = Op::join(stack[--depth], value);
    stack[depth++] = value;
  }
  T result = stack[--depth];
  while (depth > 0) result = Op::join(stack[--depth], result);
  return result;
}

}  // namespace keratin::cpu::KERATIN_ISA
