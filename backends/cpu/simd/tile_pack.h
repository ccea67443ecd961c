// How operands of matrix products are laid out for register tiles: panels of B, as wide as a tile, and rows of A.
#pragma once

#include "keratin/backends/cpu/simd/tile.h"

namespace keratin::cpu::KERATIN_ISA {

// Four floats or two doubles of each of a vector's lanes, `distance` elements apart, and what transposes inside lanes.
#if defined(__AVX512F__)
KERATIN_INLINE __m512 load_lanes(const float* p, i64 distance) {
  const __m512 two = _mm512_insertf32x4(_mm512_castps128_ps512(_mm_loadu_ps(p)), _mm_loadu_ps(p + distance), 1);
  return _mm512_insertf32x4(_mm512_insertf32x4(two, _mm_loadu_ps(p + 2 * distance), 2), _mm_loadu_ps(p + 3 * distance),
                            3);
}
KERATIN_INLINE __m512 low(__m512 a, __m512 b) { return _mm512_unpacklo_ps(a, b); }
KERATIN_INLINE __m512 high(__m512 a, __m512 b) { return _mm512_unpackhi_ps(a, b); }
KERATIN_INLINE __m512 low_pair(__m512 a, __m512 b) { return _mm512_shuffle_ps(a, b, 0x44); }
KERATIN_INLINE __m512 high_pair(__m512 a, __m512 b) { return _mm512_shuffle_ps(a, b, 0xEE); }
KERATIN_INLINE __m512d load_lanes(const double* p, i64 distance) {
  const __m512d two = _mm512_insertf64x2(_mm512_castpd128_pd512(_mm_loadu_pd(p)), _mm_loadu_pd(p + distance), 1);
  return _mm512_insertf64x2(_mm512_insertf64x2(two, _mm_loadu_pd(p + 2 * distance), 2), _mm_loadu_pd(p + 3 * distance),
                            3);
}
KERATIN_INLINE __m512d low(__m512d a, __m512d b) { return _mm512_unpacklo_pd(a, b); }
KERATIN_INLINE __m512d high(__m512d a, __m512d b) { return _mm512_unpackhi_pd(a, b); }
#elif defined(__AVX2__)
KERATIN_INLINE __m256 load_lanes(const float* p, i64 distance) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + distance), 1);
}
KERATIN_INLINE __m256 low(__m256 a, __m256 b) { return _mm256_unpacklo_ps(a, b); }
KERATIN_INLINE __m256 high(__m256 a, __m256 b) { return _mm256_unpackhi_ps(a, b); }
KERATIN_INLINE __m256 low_pair(__m256 a, __m256 b) { return _mm256_shuffle_ps(a, b, 0x44); }
KERATIN_INLINE __m256 high_pair(__m256 a, __m256 b) { return _mm256_shuffle_ps(a, b, 0xEE); }
KERATIN_INLINE __m256d load_lanes(const double* p, i64 distance) {
  return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p)), _mm_loadu_pd(p + distance), 1);
}
KERATIN_INLINE __m256d low(__m256d a, __m256d b) { return _mm256_unpacklo_pd(a, b); }
KERATIN_INLINE __m256d high(__m256d a, __m256d b) { return _mm256_unpackhi_pd(a, b); }
#else
KERATIN_INLINE __m128 load_lanes(const float* p, i64) { return _mm_loadu_ps(p); }
KERATIN_INLINE __m128 low(__m128 a, __m128 b) { return _mm_unpacklo_ps(a, b); }
KERATIN_INLINE __m128 high(__m128 a, __m128 b) { return _mm_unpackhi_ps(a, b); }
KERATIN_INLINE __m128 low_pair(__m128 a, __m128 b) { return _mm_shuffle_ps(a, b, 0x44); }
KERATIN_INLINE __m128 high_pair(__m128 a, __m128 b) { return _mm_shuffle_ps(a, b, 0xEE); }
KERATIN_INLINE __m128d load_lanes(const double* p, i64) { return _mm_loadu_pd(p); }
KERATIN_INLINE __m128d low(__m128d a, __m128d b) { return _mm_unpacklo_pd(a, b); }
KERATIN_INLINE __m128d high(__m128d a, __m128d b) { return _mm_unpackhi_pd(a, b); }
#endif

// Four floats (two doubles) of as many rows as a vector has elements: to[i·to_row + j] = from[j·from_row + i].
KERATIN_INLINE void transpose_rows(const float* from, i64 from_row, float* to, i64 to_row) {
  const auto r0 = load_lanes(from, 4 * from_row), r1 = load_lanes(from + from_row, 4 * from_row),
             r2 = load_lanes(from + 2 * from_row, 4 * from_row), r3 = load_lanes(from + 3 * from_row, 4 * from_row);
  const auto low01 = low(r0, r1), high01 = high(r0, r1), low23 = low(r2, r3), high23 = high(r2, r3);
  Vec<float>{low_pair(low01, low23)}.store(to);
  Vec<float>{high_pair(low01, low23)}.store(to + to_row);
  Vec<float>{low_pair(high01, high23)}.store(to + 2 * to_row);
  Vec<float>{high_pair(high01, high23)}.store(to + 3 * to_row);
}
KERATIN_INLINE void transpose_rows(const double* from, i64 from_row, double* to, i64 to_row) {
  const auto r0 = load_lanes(from, 2 * from_row), r1 = load_lanes(from + from_row, 2 * from_row);
  Vec<double>{low(r0, r1)}.store(to);
  Vec<double>{high(r0, r1)}.store(to + to_row);
}

// Whether rows at this distance compete for the same places in the L1 cache.
template <class T>
constexpr bool compete(i64 distance) {
  return distance * static_cast<i64>(sizeof(T)) % 2048 == 0;
}

// Rows of `length` elements, their copies so far apart that they do not compete for the same places in the L1 cache.
template <class T>
constexpr i64 copied_row(i64 length) {
  constexpr i64 kLine = 64 / static_cast<i64>(sizeof(T));
  return ((length + kLine - 1) / kLine | 1) * kLine;
}
template <class T>
void copy_rows(const T* from, i64 from_row, i64 rows, i64 length, T* to) {
  for (i64 i = 0; i < rows; ++i, from += from_row, to += copied_row<T>(length)) {
    i64 j = 0;
    for (; j + Vec<T>::size <= length; j += Vec<T>::size) Vec<T>::load(from + j).store(to + j);
    if (j < length) Vec<T>::load_first(from + j, length - j).store_first(to + j, length - j);
  }
}

// `depth` elements of as many rows as a vector has elements, as columns; the last ones perhaps twice. False when there
// are too few.
template <class T>
KERATIN_INLINE bool transpose_band(const T* from, i64 from_row, i64 depth, T* to, i64 to_row) {
  constexpr i64 kAtOnce = 16 / static_cast<i64>(sizeof(T));
  if (depth < kAtOnce) return false;
  i64 p = 0;
  for (; p + kAtOnce <= depth; p += kAtOnce) transpose_rows(from + p, from_row, to + p * to_row, to_row);
  if (p < depth) transpose_rows(from + depth - kAtOnce, from_row, to + (depth - kAtOnce) * to_row, to_row);
  return true;
}

// A panel of `cols` columns of B, padded with zeros to `width`: panel[p·width + j] = B[p, j].
template <class T>
void pack_panel(const T* b, i64 ldb, bool transposed, i64 depth, i64 cols, i64 width, T* panel) {
  using V = Vec<T>;
  if (!transposed) {
    for (i64 p = 0; p < depth; ++p, b += ldb, panel += width) {
      for (i64 j = 0; j < width; j += V::size) {
        const i64 left = cols - j;
        (left >= V::size ? V::load(b + j) : left > 0 ? V::load_first(b + j, left) : V::zero()).store(panel + j);
      }
    }
    return;
  }
  i64 j = 0;
  while (j + V::size <= cols && transpose_band(b + j * ldb, ldb, depth, panel + j, width)) j += V::size;
  for (; j < width; ++j) {
    for (i64 p = 0; p < depth; ++p) panel[p * width + j] = j < cols ? b[j * ldb + p] : T{0};
  }
}

// Whole panels of B, side by side: each row of B is read in one go, as the processor's prefetching likes it. Panels are
// a row apart, or the lines being written would compete for the same places in the L1 cache.
template <class T>
void pack_panels(const T* b, i64 ldb, i64 depth, i64 panel_count, T* panels) {
  for (i64 p = 0; p < depth; ++p) {
    const T* from = b + p * ldb;
    T* to = panels + p * kPanel<T>;
    for (i64 j = 0; j < panel_count; ++j, from += kPanel<T>, to += (depth + 1) * kPanel<T>) {
      Vec<T>::load(from).store(to);
      Vec<T>::load(from + Vec<T>::size).store(to + Vec<T>::size);
    }
  }
}

}  // namespace keratin::cpu::KERATIN_ISA
