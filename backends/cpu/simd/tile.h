// Register tiles of matrix products: R rows times one or two vectors of C stay in registers while the loop runs over k.
// A is read where it lies, B from panels packed to the tile's width.
#pragma once

#include <utility>

#include "keratin/backends/cpu/simd/vec.h"

namespace keratin::cpu::KERATIN_ISA {

#if defined(__AVX512F__)
constexpr int kTileRows = 14;    // 28 accumulators, 2 vectors of B, 1 of A: 31 of 32 registers
constexpr int kNarrowRows = 16;  // of tiles of one vector; more would not help
constexpr int kTallRows = 27;    // of tiles of one vector in short runs, which begin and end less often so
#else
constexpr int kTileRows = 6;  // 12 accumulators, 2 vectors of B, 1 of A: 15 of 16 registers
constexpr int kNarrowRows = 10;
constexpr int kTallRows = kNarrowRows;
#endif
// Rows of a tile of so many columns at most.
template <class T>
constexpr i64 most_rows(i64 columns) {
  return columns > Vec<T>::size ? kTileRows : kNarrowRows;
}

template <class T>
constexpr i64 kPanel = 2 * Vec<T>::size;

// What may follow the bias, null for without: times `scale`, plus `shift` (both of the tile's columns, and together),
// plus `more`, which lies as C does.
template <class T>
struct TileFinish {
  const T *scale = nullptr, *shift = nullptr, *more = nullptr;
};

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
  // Of Walk::ahead: with each step along k the cache fetches a line from here, and then so many elements further.
  const T* ahead = nullptr;
  i64 ahead_step = 0;
  const TileFinish<T>* finish = nullptr;  // of Walk::finish
};

// `finish`: segments, and what follows the bias; `stream`: segments, and the lines `ahead_step` elements after those of
// B that are read are fetched; `run`: one segment of `a`'s rows; `ahead`: the same, and lines that are needed later are
// fetched meanwhile.
enum class Walk { segments, finish, stream, run, ahead };

template <class T, int R, int N, Walk walk>
void tile(const TileJob<T>& job) {
  using V = Vec<T>;
  V sum[R][N];
#pragma GCC unroll 32
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) sum[r][n] = V::zero();
  }
  // Three rows share a pointer: the others are reached by the processor's scaled index.
  constexpr int kGroups = (R + 2) / 3;
  const T* a[kGroups];
  constexpr bool kSegments = walk != Walk::run && walk != Walk::ahead;
  if (kSegments && job.a_groups) {
#pragma GCC unroll 16
    for (int g = 0; g < kGroups; ++g) a[g] = job.a_groups[g];
  } else {
    a[0] = job.a;
#pragma GCC unroll 16
    for (int g = 1; g < kGroups; ++g) a[g] = a[g - 1] + 3 * job.a_row;
  }
  const T* b = job.b;
  const i64 row = job.a_row, step = job.a_step, b_step = job.b_step;
  const i64 segments = kSegments ? job.segments : 1;
  const T* ahead = job.ahead;
  for (i64 segment = 0; segment < segments; ++segment) {
    for (i64 p = 0; p < job.k; ++p, b += b_step) {
      if constexpr (walk == Walk::ahead) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += job.ahead_step;
      }
      if constexpr (walk == Walk::stream) {
#pragma GCC unroll 2
        for (int n = 0; n < N; ++n) __builtin_prefetch(b + job.ahead_step + n * V::size, 0, 2);
      }
      V right[N];
#pragma GCC unroll 2
      for (int n = 0; n < N; ++n) right[n] = V::load(b + n * V::size);
#pragma GCC unroll 32
      for (int r = 0; r < R; ++r) {
        const V left = V::all(a[r / 3][(r % 3) * row]);
#pragma GCC unroll 2
        for (int n = 0; n < N; ++n) sum[r][n] = V::madd(left, right[n], sum[r][n]);
      }
#pragma GCC unroll 16
      for (int g = 0; g < kGroups; ++g) a[g] += step;
    }
    if constexpr (kSegments) {
#pragma GCC unroll 16
      for (int g = 0; g < kGroups; ++g) a[g] += job.a_jump;
      b += job.b_jump;
    }
  }
  // Copied out of the job: what is stored below might be it, for all the compiler knows.
  T* const c = job.c;
  const T* const bias = job.bias;
  const i64 c_row = job.c_row, last = job.cols - (N - 1) * V::size;
  const bool add = job.add, relu = job.relu;
  const TileFinish<T> finish = walk == Walk::finish ? *job.finish : TileFinish<T>();
  if (last == V::size && !add && !bias && !relu && walk != Walk::finish) {
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) {
#pragma GCC unroll 32
      for (int r = 0; r < R; ++r) sum[r][n].store(c + r * c_row + n * V::size);
    }
    return;
  }
#pragma GCC unroll 2
  for (int n = 0; n < N; ++n) {
    const bool full = n < N - 1 || last == V::size;
    V more = V::zero(), factor = V::zero(), offset = V::zero();
    if (bias) more = full ? V::load(bias + n * V::size) : V::load_first(bias + n * V::size, last);
    if (walk == Walk::finish && finish.scale) {
      factor = full ? V::load(finish.scale + n * V::size) : V::load_first(finish.scale + n * V::size, last);
      offset = full ? V::load(finish.shift + n * V::size) : V::load_first(finish.shift + n * V::size, last);
    }
#pragma GCC unroll 32
    for (int r = 0; r < R; ++r) {
      T* to = c + r * c_row + n * V::size;
      V value = sum[r][n];
      if (add) value = V::add(full ? V::load(to) : V::load_first(to, last), value);
      if (bias) value = V::add(value, more);
      if constexpr (walk == Walk::finish) {
        if (finish.scale) value = V::add(V::mul(value, factor), offset);
        if (finish.more) {
          const T* from = finish.more + (to - c);
          value = V::add(value, full ? V::load(from) : V::load_first(from, last));
        }
      }
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

template <class T, int N, Walk walk, int... R>
KERATIN_INLINE TileFn<T> tile_with(int rows, std::integer_sequence<int, R...>) {
  static constexpr TileFn<T> kTiles[] = {tile<T, R + 1, N, walk>...};
  return kTiles[rows - 1];
}
template <class T, Walk walk>
KERATIN_INLINE TileFn<T> tile_of(int rows, int vectors) {
  constexpr int kMost = walk == Walk::segments || walk == Walk::stream ? kTallRows : kNarrowRows;
  return vectors == 1 ? tile_with<T, 1, walk>(rows, std::make_integer_sequence<int, kMost>())
                      : tile_with<T, 2, walk>(rows, std::make_integer_sequence<int, kTileRows>());
}

}  // namespace keratin::cpu::KERATIN_ISA
