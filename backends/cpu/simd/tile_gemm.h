// Matrix products by register tiles: R rows times one or two vectors of C stay in registers while the loop runs over k.
// A is read where it lies, B from panels packed to the tile's width. Every element of C is added up in the order of k,
// in blocks that depend on k only: how rows and columns are split into calls does not change a bit.
#pragma once

#include "keratin/backends/cpu/simd/vec.h"

namespace keratin::cpu::KERATIN_ISA {

#if defined(__AVX512F__)
constexpr int kTileRows = 14;    // 28 accumulators, 2 vectors of B, 1 of A: 31 of 32 registers
constexpr int kNarrowRows = 16;  // of tiles of one vector; more would not help
#else
constexpr int kTileRows = 6;  // 12 accumulators, 2 vectors of B, 1 of A: 15 of 16 registers
constexpr int kNarrowRows = 10;
#endif
// Rows of a tile of so many columns at most.
template <class T>
constexpr i64 most_rows(i64 columns) {
  return columns > Vec<T>::size ? kTileRows : kNarrowRows;
}

template <class T>
constexpr i64 kPanel = 2 * Vec<T>::size;
// A panel of B (depth x width) fits the L1 cache together with the rows of A, a block of panels the L2 cache.
constexpr i64 kDepth = 256;
template <class T>
constexpr i64 kBlockCols = 2048 / static_cast<i64>(sizeof(T));

// The sum runs over `segments` runs of k elements. Between two of them A's rows jump, and B does.
template <class T>
struct TileJob {
  i64 k, segments;
  const T* a;
  i64 a_row, a_step,
      a_jump;  // distances between A's rows, between neighbours along k, from a segment's end to the next
  const T* b;
  i64 b_step;
  T* c;
  i64 c_row;
  i64 cols;       // of the tile; the last vector may be partly outside C
  bool add;       // to what C holds
  const T* bias;  // of the tile's columns, or null
  bool relu;
  i64 b_jump = 0;  // from a segment's end to the next
  // When not null, where each three of A's rows begin, instead of `a` and what follows it.
  const T* const* a_groups = nullptr;
};

template <class T, int R, int N>
void tile(const TileJob<T>& job) {
  using V = Vec<T>;
  V sum[R][N];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) sum[r][n] = V::zero();
  }
  // Three rows share a pointer: the others are reached by the processor's scaled index.
  constexpr int kGroups = (R + 2) / 3;
  const T* a[kGroups];
  if (job.a_groups) {
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g) a[g] = job.a_groups[g];
  } else {
    a[0] = job.a;
#pragma GCC unroll 8
    for (int g = 1; g < kGroups; ++g) a[g] = a[g - 1] + 3 * job.a_row;
  }
  const T* b = job.b;
  const i64 row = job.a_row, step = job.a_step, b_step = job.b_step;
  for (i64 segment = 0; segment < job.segments; ++segment) {
    for (i64 p = 0; p < job.k; ++p, b += b_step) {
      V right[N];
#pragma GCC unroll 2
      for (int n = 0; n < N; ++n) right[n] = V::load(b + n * V::size);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const V left = V::all(a[r / 3][(r % 3) * row]);
#pragma GCC unroll 2
        for (int n = 0; n < N; ++n) sum[r][n] = V::madd(left, right[n], sum[r][n]);
      }
#pragma GCC unroll 8
      for (int g = 0; g < kGroups; ++g) a[g] += step;
    }
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g) a[g] += job.a_jump;
    b += job.b_jump;
  }
  // Copied out of the job: what is stored below might be it, for all the compiler knows.
  T* const c = job.c;
  const T* const bias = job.bias;
  const i64 c_row = job.c_row, last = job.cols - (N - 1) * V::size;
  const bool add = job.add, relu = job.relu;
  if (last == V::size && !add && !bias && !relu) {
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) {
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) sum[r][n].store(c + r * c_row + n * V::size);
    }
    return;
  }
#pragma GCC unroll 2
  for (int n = 0; n < N; ++n) {
    const bool full = n < N - 1 || last == V::size;
    V more = V::zero();
    if (bias) more = full ? V::load(bias + n * V::size) : V::load_first(bias + n * V::size, last);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      T* to = c + r * c_row + n * V::size;
      V value = sum[r][n];
      if (add) value = V::add(full ? V::load(to) : V::load_first(to, last), value);
      if (bias) value = V::add(value, more);
      if (relu) value = V::max(V::zero(), value);  // in this order a NaN stays
      if (full) {
        value.store(to);
      } else {
        value.store_first(to, last);
      }
    }
  }
}

template <class T>
using TileFn = void (*)(const TileJob<T>&);

template <class T, int N, int R>
KERATIN_INLINE TileFn<T> tile_with(int rows) {
  if constexpr (R == 1) {
    return tile<T, 1, N>;
  } else {
    return rows == R ? tile<T, R, N> : tile_with<T, N, R - 1>(rows);
  }
}
template <class T>
KERATIN_INLINE TileFn<T> tile_of(int rows, int vectors) {
  return vectors == 1 ? tile_with<T, 1, kNarrowRows>(rows) : tile_with<T, 2, kTileRows>(rows);
}

// 4 x 4 (2 x 2 for doubles) elements: to[i·to_row + j] = from[j·from_row + i].
KERATIN_INLINE void transpose_square(const float* from, i64 from_row, float* to, i64 to_row) {
  __m128 r0 = _mm_loadu_ps(from), r1 = _mm_loadu_ps(from + from_row), r2 = _mm_loadu_ps(from + 2 * from_row),
         r3 = _mm_loadu_ps(from + 3 * from_row);
  _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
  _mm_storeu_ps(to, r0);
  _mm_storeu_ps(to + to_row, r1);
  _mm_storeu_ps(to + 2 * to_row, r2);
  _mm_storeu_ps(to + 3 * to_row, r3);
}
KERATIN_INLINE void transpose_square(const double* from, i64 from_row, double* to, i64 to_row) {
  const __m128d r0 = _mm_loadu_pd(from), r1 = _mm_loadu_pd(from + from_row);
  _mm_storeu_pd(to, _mm_unpacklo_pd(r0, r1));
  _mm_storeu_pd(to + to_row, _mm_unpackhi_pd(r0, r1));
}

// A panel of `cols` columns of B, padded with zeros to `width`: panel[p·width + j] = B[p, j].
template <class T>
void pack_panel(const T* b, i64 ldb, bool transposed, i64 depth, i64 cols, i64 width, T* panel) {
  if (!transposed) {
    for (i64 p = 0; p < depth; ++p) {
      const T* __restrict from = b + p * ldb;
      T* __restrict to = panel + p * width;
      for (i64 j = 0; j < cols; ++j) to[j] = from[j];
      for (i64 j = cols; j < width; ++j) to[j] = T{0};
    }
    return;
  }
  constexpr i64 kSquare = 16 / static_cast<i64>(sizeof(T));
  i64 j = 0;
  for (; j + kSquare <= cols; j += kSquare) {
    const T* from = b + j * ldb;
    i64 p = 0;
    for (; p + kSquare <= depth; p += kSquare) transpose_square(from + p, ldb, panel + p * width + j, width);
    if (p == depth) continue;
    if (depth >= kSquare) {  // the last square covers some terms again
      p = depth - kSquare;
      transpose_square(from + p, ldb, panel + p * width + j, width);
      continue;
    }
    for (; p < depth; ++p) {
      for (i64 i = 0; i < kSquare; ++i) panel[p * width + j + i] = from[i * ldb + p];
    }
  }
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

// How a product is cut: pieces of k, all of `depth` but the last, and blocks of columns.
template <class T>
struct TileBlocks {
  i64 pieces, depth, stride;  // stride: elements that hold a packed block of one piece

  explicit TileBlocks(const GemmShape& s)
      : pieces((s.k + kDepth - 1) / kDepth),
        depth((s.k + pieces - 1) / pieces),
        stride((depth + 1) * (s.n < kBlockCols<T> ? (s.n + kPanel<T> - 1) / kPanel<T> * kPanel<T> : kBlockCols<T>)) {}
  i64 columns(const GemmShape& s, i64 j0) const { return s.n - j0 < kBlockCols<T> ? s.n - j0 : kBlockCols<T>; }
  i64 terms(const GemmShape& s, i64 p0) const { return s.k - p0 < depth ? s.k - p0 : depth; }
  // Of the block in all of B, packed.
  i64 packed_at(i64 j0, i64 p0) const { return (j0 / kBlockCols<T> * pieces + p0 / depth) * stride; }
  // Columns of the panel that begins at column j of a block of `cols`.
  static i64 width(i64 cols, i64 j) { return cols - j > Vec<T>::size ? kPanel<T> : Vec<T>::size; }
};

template <class T>
std::size_t tile_gemm_workspace(const GemmShape& s) {
  const i64 depth = s.k < kDepth ? s.k : kDepth;
  const i64 cols = s.n < kBlockCols<T> ? (s.n + kPanel<T> - 1) / kPanel<T> * kPanel<T> : kBlockCols<T>;
  return static_cast<std::size_t>((depth + 1) * (cols + kTileRows)) * sizeof(T) + 64;
}

// Elements of B when it is packed for good.
template <class T>
std::size_t tile_packed_size(const GemmShape& s) {
  const TileBlocks<T> blocks(s);
  return static_cast<std::size_t>((s.n + kBlockCols<T> - 1) / kBlockCols<T> * blocks.pieces * blocks.stride);
}

// The block of `cols` columns and k rows whose first element is `origin`, panel by panel; `only_partial`: just the last
// panel, when it is not whole.
template <class T>
void pack_block(const GemmShape& s, const T* origin, i64 cols, i64 k, bool only_partial, T* panels) {
  i64 done = 0;
  if (only_partial) {
    for (i64 j = 0; j < cols; j += kPanel<T>) done = cols - j < TileBlocks<T>::width(cols, j) ? j : j + kPanel<T>;
  } else if (!s.trans_b) {
    pack_panels(origin, s.ldb, k, cols / kPanel<T>, panels);
    done = cols / kPanel<T> * kPanel<T>;
  }
  for (i64 j = done; j < cols; j += kPanel<T>) {
    const i64 width = TileBlocks<T>::width(cols, j), used = cols - j < width ? cols - j : width;
    pack_panel(origin + (s.trans_b ? j * s.ldb : j), s.ldb, s.trans_b, k, used, width, panels + j * (k + 1));
  }
}

template <class T>
void tile_pack(const GemmShape& s, const T* b, T* packed) {
  const TileBlocks<T> blocks(s);
  for (i64 j0 = 0; j0 < s.n; j0 += kBlockCols<T>) {
    for (i64 p0 = 0; p0 < s.k; p0 += blocks.depth) {
      const T* origin = s.trans_b ? b + j0 * s.ldb + p0 : b + p0 * s.ldb + j0;
      pack_block(s, origin, blocks.columns(s, j0), blocks.terms(s, p0), false, packed + blocks.packed_at(j0, p0));
    }
  }
}

// k > 0.
template <class T>
void tile_gemm(const GemmShape& s, const T* a, const T* b, T* c, const T* bias, Activation activation,
               void* workspace) {
  const TileBlocks<T> blocks(s);
  const i64 most = most_rows<T>(s.n), bands = (s.m + most - 1) / most;
  const i64 a_row = s.trans_a ? 1 : s.lda, a_step = s.trans_a ? s.lda : 1;
  // Rows a multiple of 2 KB apart compete for the same places in the L1 cache: such bands are copied first.
  const bool copy_a = !s.trans_a && s.n > kPanel<T> && a_row * static_cast<i64>(sizeof(T)) % 2048 == 0;
  // With few rows a packed panel would hardly be used again.
  const bool in_place = !s.packed_b && !s.trans_b && bands <= 2;
  T* band = reinterpret_cast<T*>((reinterpret_cast<std::uintptr_t>(workspace) + 63) / 64 * 64);
  T* own_panels = band + blocks.depth * kTileRows;
  for (i64 j0 = 0; j0 < s.n; j0 += kBlockCols<T>) {
    const i64 cols = blocks.columns(s, j0);
    for (i64 p0 = 0; p0 < s.k; p0 += blocks.depth) {
      const i64 k = blocks.terms(s, p0);
      const bool last = p0 + k == s.k;
      const T* origin = s.trans_b ? b + j0 * s.ldb + p0 : b + p0 * s.ldb + j0;
      const T* panels = own_panels;
      if (s.packed_b) {
        panels = b + blocks.packed_at(j0, p0);
      } else {
        pack_block(s, origin, cols, k, in_place, own_panels);
      }
      for (i64 t = 0; t < bands; ++t) {
        const i64 i0 = s.m * t / bands, rows = s.m * (t + 1) / bands - i0;
        const T* rows_of_a = a + i0 * a_row + p0 * a_step;
        if (copy_a) {
          pack_panel(rows_of_a, a_row, true, k, rows, rows, band);
          rows_of_a = band;
        }
        for (i64 j = 0; j < cols; j += kPanel<T>) {
          const i64 width = TileBlocks<T>::width(cols, j);
          const bool panel = !in_place || cols - j < width;
          const TileJob<T> job = {.k = k,
                                  .segments = 1,
                                  .a = rows_of_a,
                                  .a_row = copy_a ? 1 : a_row,
                                  .a_step = copy_a ? rows : a_step,
                                  .a_jump = 0,
                                  .b = panel ? panels + j * (k + 1) : origin + j,
                                  .b_step = panel ? width : s.ldb,
                                  .c = c + i0 * s.ldc + j0 + j,
                                  .c_row = s.ldc,
                                  .cols = cols - j < width ? cols - j : width,
                                  .add = s.accumulate || p0 > 0,
                                  .bias = bias && last ? bias + j0 + j : nullptr,
                                  .relu = activation == Activation::relu && last};
          tile_of<T>(static_cast<int>(rows), width == Vec<T>::size ? 1 : 2)(job);
        }
      }
    }
  }
}

}  // namespace keratin::cpu::KERATIN_ISA
