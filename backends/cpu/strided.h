// Loops over row-major arrays that are broadcast, transposed or pieces of larger ones: axes that can be walked as one
// are joined, and what is left is an inner run and an odometer over the outer axes.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "keratin/backends/cpu/parallel.h"
#include "keratin/core/tensor/detail/strides.h"

namespace keratin::cpu {

inline constexpr int kMaxOuterAxes = 8;

// The outer axes of a loop.
struct OuterLoop {
  int axes = 0;
  i64 rows = 1;  // product of the sizes
  std::array<i64, kMaxOuterAxes> size{};
  std::array<std::array<i64, kMaxOperands>, kMaxOuterAxes> stride{};

  struct Position {
    std::array<i64, kMaxOuterAxes> index{};
    std::array<i64, kMaxOperands> offset{};  // of each operand, in elements
  };
  Position at(i64 row) const {
    Position p;
    for (int axis = axes - 1; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      p.index[a] = row % size[a];
      row /= size[a];
      for (std::size_t k = 0; k < kMaxOperands; ++k) p.offset[k] += p.index[a] * stride[a][k];
    }
    return p;
  }
  void advance(Position& p) const {
    for (int axis = axes - 1; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      for (std::size_t k = 0; k < kMaxOperands; ++k) p.offset[k] += stride[a][k];
      if (++p.index[a] < size[a]) return;
      for (std::size_t k = 0; k < kMaxOperands; ++k) p.offset[k] -= size[a] * stride[a][k];
      p.index[a] = 0;
    }
  }
};

// The loop over `axes`; nothing when there are more than kMaxOuterAxes.
std::optional<OuterLoop> outer_loop(std::span<const StridedAxis> axes);

// Work on `rows` runs of `run` elements each, split into chunks of about `grain` elements. Short runs are taken several
// to a chunk, long ones are cut (at multiples of `unit`).
struct RowSplit {
  Range rows, pieces;  // rows: of a chunk when pieces.chunks == 1

  RowSplit() = default;
  RowSplit(i64 rows, i64 run, i64 grain, i64 unit = 1)
      : rows(rows, run > 0 ? std::max<i64>(1, grain / run) : rows), pieces(run, grain, unit) {}
  // f(row0, row1, begin, end): the elements [begin, end) of the runs [row0, row1).
  template <class F>
  void run(F&& f) const {
    if (rows.chunks * pieces.chunks == 1) {
      f(i64{0}, rows.n, i64{0}, pieces.n);
    } else {
      parallel_for(rows.chunks * pieces.chunks, [&](i64 c) {
        const i64 r = c / pieces.chunks, p = c % pieces.chunks;
        f(rows.begin(r), rows.end(r), pieces.begin(p), pieces.end(p));
      });
    }
  }
};

}  // namespace keratin::cpu
