// Element-wise kernels over contiguous arrays: each index takes a pack of elements, so that memory is read 16 bytes at
// a time. A last, incomplete pack is taken one by one, and all are where an array begins in the middle of a pack, as
// pieces of a loop's sequences may.
#pragma once

#include "keratin/backends/cuda/device/launch.h"

namespace keratin::cuda {

inline constexpr i64 kPack = 4;

template <class T>
struct alignas(sizeof(T) * kPack < 16 ? sizeof(T) * kPack : 16) Pack {
  T at[kPack];
};

template <class T>
KERATIN_HOST_DEVICE bool holds_packs(const T* x) {
  return reinterpret_cast<std::uintptr_t>(x) % alignof(Pack<T>) == 0;
}

template <class T>
KERATIN_HOST_DEVICE Pack<T> load_pack(const T* x) {
#if !defined(__CUDACC__)
  if (!holds_packs(x)) misaligned_access();
#endif
  return *reinterpret_cast<const Pack<T>*>(x);
}
template <class T>
KERATIN_HOST_DEVICE void store_pack(T* y, const Pack<T>& pack) {
#if !defined(__CUDACC__)
  if (!holds_packs(y)) misaligned_access();
#endif
  *reinterpret_cast<Pack<T>*>(y) = pack;
}

inline i64 packs(i64 n) { return (n + kPack - 1) / kPack; }

// y[i] = f(x[i])
template <class X, class Y, class F>
struct Map {
  const X* x;
  Y* y;
  i64 n;
  bool packed;
  F f;
  KERATIN_HOST_DEVICE void operator()(i64 pack) const {
    const i64 begin = pack * kPack;
    if (packed && begin + kPack <= n) {
      const Pack<X> in = load_pack(x + begin);
      Pack<Y> out;
      for (i64 i = 0; i < kPack; ++i) out.at[i] = f(in.at[i]);
      store_pack(y + begin, out);
    } else {
      for (i64 i = begin; i < n && i < begin + kPack; ++i) y[i] = f(x[i]);
    }
  }
};

template <class X, class Y, class F>
void map(Stream stream, const X* x, Y* y, i64 n, const F& f) {
  for_each(stream, packs(n), Map<X, Y, F>{x, y, n, holds_packs(x) && holds_packs(y), f});
}

// y[i] = f(a[i], b[i]), where an operand may be one element for all.
template <class T, class Y, class F>
struct Map2 {
  const T *a, *b;
  Y* y;
  i64 n;
  bool a_single, b_single, packed;
  F f;
  KERATIN_HOST_DEVICE Pack<T> read(const T* x, bool single, i64 begin) const {
    if (!single) return load_pack(x + begin);
    Pack<T> pack;
    for (i64 i = 0; i < kPack; ++i) pack.at[i] = *x;
    return pack;
  }
  KERATIN_HOST_DEVICE void operator()(i64 pack) const {
    const i64 begin = pack * kPack;
    if (packed && begin + kPack <= n) {
      const Pack<T> left = read(a, a_single, begin), right = read(b, b_single, begin);
      Pack<Y> out;
      for (i64 i = 0; i < kPack; ++i) out.at[i] = f(left.at[i], right.at[i]);
      store_pack(y + begin, out);
    } else {
      for (i64 i = begin; i < n && i < begin + kPack; ++i) y[i] = f(a[a_single ? 0 : i], b[b_single ? 0 : i]);
    }
  }
};

template <class T, class Y, class F>
void map2(Stream stream, const T* a, bool a_single, const T* b, bool b_single, Y* y, i64 n, const F& f) {
  const bool packed = (a_single || holds_packs(a)) && (b_single || holds_packs(b)) && holds_packs(y);
  for_each(stream, packs(n), Map2<T, Y, F>{a, b, y, n, a_single, b_single, packed, f});
}

}  // namespace keratin::cuda
