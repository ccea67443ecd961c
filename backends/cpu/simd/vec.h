// One vector register of floats or doubles of the instruction set being compiled, and fused multiply-add where it has
// one. Only what plain loops cannot express: the compiler vectorises the rest by itself.
#pragma once

#include <immintrin.h>

#include "keratin/backends/cpu/simd/simd.h"

#define KERATIN_INLINE inline __attribute__((always_inline))

namespace keratin::cpu::KERATIN_ISA {

template <class T>
struct Vec;

// a·b + c, rounded once where the instruction set can.
#if defined(__FMA__)
KERATIN_INLINE float madd(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
KERATIN_INLINE double madd(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
KERATIN_INLINE float madd(float a, float b, float c) { return a * b + c; }
KERATIN_INLINE double madd(double a, double b, double c) { return a * b + c; }
#endif

#if defined(__AVX512F__)

template <>
struct Vec<float> {
  static constexpr int size = 16;
  __m512 v;
  static KERATIN_INLINE Vec zero() { return {_mm512_setzero_ps()}; }
  static KERATIN_INLINE Vec all(float x) { return {_mm512_set1_ps(x)}; }
  static KERATIN_INLINE Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  KERATIN_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }
  // The first n elements only, 0 <= n <= size; the others read as zero.
  static KERATIN_INLINE Vec load_first(const float* p, i64 n) { return {_mm512_maskz_loadu_ps(mask(n), p)}; }
  KERATIN_INLINE void store_first(float* p, i64 n) const { _mm512_mask_storeu_ps(p, mask(n), v); }
  static KERATIN_INLINE __mmask16 mask(i64 n) { return static_cast<__mmask16>((1u << n) - 1); }
  static KERATIN_INLINE Vec madd(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static KERATIN_INLINE Vec add(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
  static KERATIN_INLINE Vec mul(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
  static KERATIN_INLINE Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
  // `left` where the two are equal (or both NaN), else 0; what was given is taken out of `left`.
  static KERATIN_INLINE Vec give(Vec a, Vec b, Vec& left) {
    const __mmask16 hit =
        static_cast<__mmask16>(_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ) | (_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q) &
                                                                           _mm512_cmp_ps_mask(b.v, b.v, _CMP_UNORD_Q)));
    const Vec given = {_mm512_maskz_mov_ps(hit, left.v)};
    left.v = _mm512_mask_mov_ps(left.v, hit, _mm512_setzero_ps());
    return given;
  }
};
template <>
struct Vec<double> {
  static constexpr int size = 8;
  __m512d v;
  static KERATIN_INLINE Vec zero() { return {_mm512_setzero_pd()}; }
  static KERATIN_INLINE Vec all(double x) { return {_mm512_set1_pd(x)}; }
  static KERATIN_INLINE Vec load(const double* p) { return {_mm512_loadu_pd(p)}; }
  KERATIN_INLINE void store(double* p) const { _mm512_storeu_pd(p, v); }
  static KERATIN_INLINE Vec load_first(const double* p, i64 n) { return {_mm512_maskz_loadu_pd(mask(n), p)}; }
  KERATIN_INLINE void store_first(double* p, i64 n) const { _mm512_mask_storeu_pd(p, mask(n), v); }
  static KERATIN_INLINE __mmask8 mask(i64 n) { return static_cast<__mmask8>((1u << n) - 1); }
  static KERATIN_INLINE Vec madd(Vec a, Vec b, Vec c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
  static KERATIN_INLINE Vec add(Vec a, Vec b) { return {_mm512_add_pd(a.v, b.v)}; }
  static KERATIN_INLINE Vec mul(Vec a, Vec b) { return {_mm512_mul_pd(a.v, b.v)}; }
  static KERATIN_INLINE Vec max(Vec a, Vec b) { return {_mm512_max_pd(a.v, b.v)}; }
  static KERATIN_INLINE Vec give(Vec a, Vec b, Vec& left) {
    const __mmask8 hit =
        static_cast<__mmask8>(_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ) | (_mm512_cmp_pd_mask(a.v, a.v, _CMP_UNORD_Q) &
                                                                          _mm512_cmp_pd_mask(b.v, b.v, _CMP_UNORD_Q)));
    const Vec given = {_mm512_maskz_mov_pd(hit, left.v)};
    left.v = _mm512_mask_mov_pd(left.v, hit, _mm512_setzero_pd());
    return given;
  }
};

#elif defined(__AVX2__)

template <>
struct Vec<float> {
  static constexpr int size = 8;
  __m256 v;
  static KERATIN_INLINE Vec zero() { return {_mm256_setzero_ps()}; }
  static KERATIN_INLINE Vec all(float x) { return {_mm256_set1_ps(x)}; }
  static KERATIN_INLINE Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  KERATIN_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }
  static KERATIN_INLINE Vec load_first(const float* p, i64 n) { return {_mm256_maskload_ps(p, mask(n))}; }
  KERATIN_INLINE void store_first(float* p, i64 n) const { _mm256_maskstore_ps(p, mask(n), v); }
  static KERATIN_INLINE __m256i mask(i64 n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static KERATIN_INLINE Vec madd(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  static KERATIN_INLINE Vec add(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
  static KERATIN_INLINE Vec mul(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
  static KERATIN_INLINE Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
  static KERATIN_INLINE Vec give(Vec a, Vec b, Vec& left) {
    const auto hit =
        _mm256_or_ps(_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ),
                     _mm256_and_ps(_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q), _mm256_cmp_ps(b.v, b.v, _CMP_UNORD_Q)));
    const Vec given = {_mm256_and_ps(hit, left.v)};
    left.v = _mm256_andnot_ps(hit, left.v);
    return given;
  }
};
template <>
struct Vec<double> {
  static constexpr int size = 4;
  __m256d v;
  static KERATIN_INLINE Vec zero() { return {_mm256_setzero_pd()}; }
  static KERATIN_INLINE Vec all(double x) { return {_mm256_set1_pd(x)}; }
  static KERATIN_INLINE Vec load(const double* p) { return {_mm256_loadu_pd(p)}; }
  KERATIN_INLINE void store(double* p) const { _mm256_storeu_pd(p, v); }
  static KERATIN_INLINE Vec load_first(const double* p, i64 n) { return {_mm256_maskload_pd(p, mask(n))}; }
  KERATIN_INLINE void store_first(double* p, i64 n) const { _mm256_maskstore_pd(p, mask(n), v); }
  static KERATIN_INLINE __m256i mask(i64 n) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
  }
  static KERATIN_INLINE Vec madd(Vec a, Vec b, Vec c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
  static KERATIN_INLINE Vec add(Vec a, Vec b) { return {_mm256_add_pd(a.v, b.v)}; }
  static KERATIN_INLINE Vec mul(Vec a, Vec b) { return {_mm256_mul_pd(a.v, b.v)}; }
  static KERATIN_INLINE Vec max(Vec a, Vec b) { return {_mm256_max_pd(a.v, b.v)}; }
  static KERATIN_INLINE Vec give(Vec a, Vec b, Vec& left) {
    const auto hit =
        _mm256_or_pd(_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ),
                     _mm256_and_pd(_mm256_cmp_pd(a.v, a.v, _CMP_UNORD_Q), _mm256_cmp_pd(b.v, b.v, _CMP_UNORD_Q)));
    const Vec given = {_mm256_and_pd(hit, left.v)};
    left.v = _mm256_andnot_pd(hit, left.v);
    return given;
  }
};

#else  // SSE2, which every x86-64 has

template <>
struct Vec<float> {
  static constexpr int size = 4;
  __m128 v;
  static KERATIN_INLINE Vec zero() { return {_mm_setzero_ps()}; }
  static KERATIN_INLINE Vec all(float x) { return {_mm_set1_ps(x)}; }
  static KERATIN_INLINE Vec load(const float* p) { return {_mm_loadu_ps(p)}; }
  KERATIN_INLINE void store(float* p) const { _mm_storeu_ps(p, v); }
  static KERATIN_INLINE Vec load_first(const float* p, i64 n) {
    float x[size] = {};
    for (i64 i = 0; i < n; ++i) x[i] = p[i];
    return load(x);
  }
  KERATIN_INLINE void store_first(float* p, i64 n) const {
    float x[size];
    store(x);
    for (i64 i = 0; i < n; ++i) p[i] = x[i];
  }
  static KERATIN_INLINE Vec madd(Vec a, Vec b, Vec c) { return {_mm_add_ps(_mm_mul_ps(a.v, b.v), c.v)}; }
  static KERATIN_INLINE Vec add(Vec a, Vec b) { return {_mm_add_ps(a.v, b.v)}; }
  static KERATIN_INLINE Vec mul(Vec a, Vec b) { return {_mm_mul_ps(a.v, b.v)}; }
  static KERATIN_INLINE Vec max(Vec a, Vec b) { return {_mm_max_ps(a.v, b.v)}; }
  static KERATIN_INLINE Vec give(Vec a, Vec b, Vec& left) {
    const auto hit =
        _mm_or_ps(_mm_cmpeq_ps(a.v, b.v), _mm_and_ps(_mm_cmpunord_ps(a.v, a.v), _mm_cmpunord_ps(b.v, b.v)));
    const Vec given = {_mm_and_ps(hit, left.v)};
    left.v = _mm_andnot_ps(hit, left.v);
    return given;
  }
};
template <>
struct Vec<double> {
  static constexpr int size = 2;
  __m128d v;
  static KERATIN_INLINE Vec zero() { return {_mm_setzero_pd()}; }
  static KERATIN_INLINE Vec all(double x) { return {_mm_set1_pd(x)}; }
  static KERATIN_INLINE Vec load(const double* p) { return {_mm_loadu_pd(p)}; }
  KERATIN_INLINE void store(double* p) const { _mm_storeu_pd(p, v); }
  static KERATIN_INLINE Vec load_first(const double* p, i64 n) {
    double x[size] = {};
    for (i64 i = 0; i < n; ++i) x[i] = p[i];
    return load(x);
  }
  KERATIN_INLINE void store_first(double* p, i64 n) const {
    double x[size];
    store(x);
    for (i64 i = 0; i < n; ++i) p[i] = x[i];
  }
  static KERATIN_INLINE Vec madd(Vec a, Vec b, Vec c) { return {_mm_add_pd(_mm_mul_pd(a.v, b.v), c.v)}; }
  static KERATIN_INLINE Vec add(Vec a, Vec b) { return {_mm_add_pd(a.v, b.v)}; }
  static KERATIN_INLINE Vec mul(Vec a, Vec b) { return {_mm_mul_pd(a.v, b.v)}; }
  static KERATIN_INLINE Vec max(Vec a, Vec b) { return {_mm_max_pd(a.v, b.v)}; }
  static KERATIN_INLINE Vec give(Vec a, Vec b, Vec& left) {
    const auto hit =
        _mm_or_pd(_mm_cmpeq_pd(a.v, b.v), _mm_and_pd(_mm_cmpunord_pd(a.v, a.v), _mm_cmpunord_pd(b.v, b.v)));
    const Vec given = {_mm_and_pd(hit, left.v)};
    left.v = _mm_andnot_pd(hit, left.v);
    return given;
  }
};

#endif

}  // namespace keratin::cpu::KERATIN_ISA
