// The matrix product of one element type; included by gemm_f32.cpp and gemm_f64.cpp.
#pragma once

#include "keratin/backends/cpu/simd/eigen_gemm.h"

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
  return EigenBlocking<T>::bytes(s);
}

template <class T>
void product(const GemmShape& s, const T* a, const T* b, T* c, const T* bias, Activation activation, void* workspace) {
  if (s.m <= 0 || s.n <= 0) return;
  if (!s.accumulate) clear(s, c);
  if (s.k > 0) eigen_gemm_add(s, a, b, c, workspace);
  if (bias || activation != Activation::none) finish(s, c, bias, activation);
}

}  // namespace keratin::cpu::KERATIN_ISA
