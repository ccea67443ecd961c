// The matrix product of one element type; included by gemm_f32.cpp and gemm_f64.cpp.
#pragma once

#include "keratin/backends/cpu/simd/eigen_gemm.h"
#include "keratin/backends/cpu/simd/tile_gemm.h"

namespace keratin::cpu::KERATIN_ISA {

template <class T>
void clear(const GemmShape& s, T* c) {
  for (i64 i = 0; i < s.m; ++i) {
    for (i64 j = 0; j < s.n; ++j) c[i * s.ldc + j] = T{0};
  }
}

template <class T>
void finish(const GemmShape& s, T* c, const T* bias, Activation activation) {
  const bool relu = activation == Activation::relu;
  for (i64 i = 0; i < s.m; ++i, c += s.ldc) {
    if (bias) {
      for (i64 j = 0; j < s.n; ++j) c[j] += bias[j];
    }
    if (relu) {
      for (i64 j = 0; j < s.n; ++j) c[j] = c[j] < T{0} ? T{0} : c[j];
    }
  }
}

template <class T>
std::size_t workspace_of(const GemmShape& s) {
  const std::size_t eigen = EigenBlocking<T>::bytes(s), tiles = tile_gemm_workspace<T>(s);
  return eigen > tiles ? eigen : tiles;
}

// One or two rows times a transposed B are dot products: packing B would cost more than multiplying.
template <class T>
void dot_products(const GemmShape& s, const T* a, const T* b, T* c, const T* bias, Activation activation) {
  using V = Vec<T>;
  for (i64 i = 0; i < s.m; ++i) {
    for (i64 j = 0; j < s.n; ++j) {
      const T* x = a + i * s.lda;
      const T* y = b + j * s.ldb;
      V sum[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
      i64 p = 0;
      for (; p + 4 * V::size <= s.k; p += 4 * V::size) {
        for (int u = 0; u < 4; ++u)
          sum[u] = V::madd(V::load(x + p + u * V::size), V::load(y + p + u * V::size), sum[u]);
      }
      for (; p + V::size <= s.k; p += V::size) sum[0] = V::madd(V::load(x + p), V::load(y + p), sum[0]);
      T lane[V::size];
      V::add(V::add(sum[0], sum[1]), V::add(sum[2], sum[3])).store(lane);
      T total = T{0};
      for (int l = 0; l < V::size; ++l) total += lane[l];
      for (; p < s.k; ++p) total = madd(x[p], y[p], total);
      T& out = c[i * s.ldc + j];
      if (s.accumulate) total += out;
      if (bias) total += bias[j];
      out = activation == Activation::relu && total < T{0} ? T{0} : total;
    }
  }
}

template <class T>
void eigen_product(const GemmShape& s, const T* a, const T* b, T* c, const T* bias, Activation activation,
                   void* workspace) {
  if (s.m <= 0 || s.n <= 0) return;
  if (!s.accumulate) clear(s, c);
  if (s.k > 0) eigen_gemm_add(s, a, b, c, workspace);
  if (bias || activation != Activation::none) finish(s, c, bias, activation);
}

inline bool as_dot_products(const GemmShape& s) {
  return s.trans_b && !s.trans_a && s.m <= 2 && !s.packed_b && !s.any_rows;
}

// The dot products above read B as it is.
template <class T>
std::size_t packed_bytes(const GemmShape& s) {
  if (s.m <= 0 || s.n <= 0 || s.k <= 0 || as_dot_products(s)) return 0;
  return tile_packed_size<T>(s) * sizeof(T);
}

template <class T>
void product(const GemmShape& s, const T* a, const T* b, T* c, const T* bias, Activation activation, void* workspace) {
  if (s.m <= 0 || s.n <= 0) return;
  if (s.k <= 0) {
    eigen_product(s, a, b, c, bias, activation, workspace);
  } else if (as_dot_products(s)) {
    dot_products(s, a, b, c, bias, activation);
  } else {
    tile_gemm(s, a, b, c, bias, activation, workspace);
  }
}

}  // namespace keratin::cpu::KERATIN_ISA
