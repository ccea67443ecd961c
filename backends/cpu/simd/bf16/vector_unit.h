// Tiles by vdpbf16ps: as simd/tile_gemm.h, with a word of A, spread over a vector, by a vector of B's words.
#pragma once

#include "keratin/backends/cpu/simd/bf16/tile_job.h"

namespace keratin::cpu::KERATIN_ISA {

template <int R, int N>
void vector_tile(const TileJob& job) {
  using V = Vec<float>;
  __m512 sum[R][N];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 3
    for (int n = 0; n < N; ++n) sum[r][n] = _mm512_setzero_ps();
  }
  constexpr int kGroups = (R + 2) / 3;  // rows that share a pointer
  const i64 row = 2 * job.a_row;
  const int terms = job.parts == 1 ? 1 : 3;
  for (int term = 0; term < terms; ++term) {
    const char* a[kGroups];
    for (int g = 0; g < kGroups; ++g) {
      a[g] = reinterpret_cast<const char*>(job.a + (term == 1 ? job.a_part : 0)) + 3 * g * row;
    }
    const u32* b = job.b + (terms == 3 && term == 0 ? job.b_part : 0);
    for (i64 segment = 0; segment < job.segments; ++segment) {
      for (i64 p = 0; p < job.pairs; ++p, b += job.b_step) {
        __m512bh right[N];
#pragma GCC unroll 3
        for (int n = 0; n < N; ++n) right[n] = (__m512bh)_mm512_loadu_si512(b + 16 * n);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) {
          int word;
          __builtin_memcpy(&word, a[r / 3] + (r % 3) * row, sizeof word);
          const auto left = (__m512bh)_mm512_set1_epi32(word);
#pragma GCC unroll 3
          for (int n = 0; n < N; ++n) sum[r][n] = _mm512_dpbf16_ps(sum[r][n], left, right[n]);
        }
#pragma GCC unroll 8
        for (int g = 0; g < kGroups; ++g) a[g] += 4;
      }
#pragma GCC unroll 8
      for (int g = 0; g < kGroups; ++g) a[g] += 2 * job.a_jump;
      b += job.b_jump;
    }
  }
#pragma GCC unroll 3
  for (int n = 0; n < N; ++n) {
    const i64 columns = least(16, job.cols - 16 * n);
    const V bias = job.bias ? V::load_first(job.bias + 16 * n, columns) : V::zero();
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      float* c = job.c + r * job.c_row + 16 * n;
      V value = {sum[r][n]};
      if (job.add) value = V::add(V::load_first(c, columns), value);
      if (job.bias) value = V::add(value, bias);
      if (job.relu) value = V::max(V::zero(), value);  // in this order a NaN stays
      value.store_first(c, columns);
    }
  }
}

class Unit {
 public:
  static constexpr i64 kRows = 14;  // at most, of a tile
  static constexpr i64 kDepth = 2;  // numbers along k come in multiples of it
  static constexpr bool kFlat = false;
  static constexpr i64 deepest(int parts) { return 512 / parts; }

  static constexpr i64 kWidest = 3,
                       kWidestRows = 9;  // another shape that fits the registers: vectors, and rows at most

  // `rows` <= kRows and one vector of 16 columns or two; or kWidest of them.
  void run(const TileJob& job, i64 rows, int vectors) const {
    if (vectors == kWidest) {
      run_wide<static_cast<int>(kWidestRows)>(job, rows);
    } else {
      run_rows<static_cast<int>(kRows)>(job, rows, vectors);
    }
  }

 private:
  template <int R>
  static KERATIN_INLINE void run_rows(const TileJob& job, i64 rows, int vectors) {
    if constexpr (R > 1) {
      if (rows != R) return run_rows<R - 1>(job, rows, vectors);
    }
    vectors == 1 ? vector_tile<R, 1>(job) : vector_tile<R, 2>(job);
  }
  template <int R>
  static KERATIN_INLINE void run_wide(const TileJob& job, i64 rows) {
    if constexpr (R > 1) {
      if (rows != R) return run_wide<R - 1>(job, rows);
    }
    vector_tile<R, static_cast<int>(kWidest)>(job);
  }
};

}  // namespace keratin::cpu::KERATIN_ISA
