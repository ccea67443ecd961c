// Matrix products of numbers rounded to bfloat16, in one part or two: blocks of both operands are packed, tiles of C
// added up by the unit. As in simd/tile_gemm.h every element of C is added up in the order of k, in blocks that depend
// on k only.
#pragma once

#include "keratin/backends/cpu/simd/bf16/unit.h"

namespace keratin::cpu::KERATIN_ISA {

// A panel of B (Unit::deepest numbers deep) stays in the L1 cache together with the rows of A, a block of panels in the
// L2 cache.
constexpr i64 kBlockColumns = 1024;
// Rows of B that are packed together, along all of their columns: few are read faster than one panel after another.
constexpr i64 kStretch = 8;

struct Blocks {
  i64 depth, columns;    // of a block of B
  i64 pad;               // numbers between rows of A, so that they do not compete for the same places in the cache
  i64 row, left, right;  // numbers in a row and a part of A, words in a part of a block of B

  Blocks(const GemmShape& s, int parts) {
    const i64 deepest = Unit::deepest(parts), pieces = most(1, (s.k + deepest - 1) / deepest);
    depth = most(kRun, up((s.k + pieces - 1) / pieces, kRun));
    columns = least(kBlockColumns / parts, up(s.n, kPanel));
    pad = kRun;
    row = depth + pad;
    left = row * kLeftRows;
    right = depth / 2 * columns;
  }
  static constexpr i64 kBands = 4;  // of rows of A, at most, that are packed together
  static constexpr i64 kLeftRows = (kBands * Unit::kRows + kSquare - 1) / kSquare * kSquare;
};

inline std::size_t gemm_workspace(const GemmShape& s, int parts) {
  // Blocks of a product that is smaller in k may be deeper than those of a larger one, but never than this.
  const i64 depth = least(up(most(s.k, 1), kRun), Unit::deepest(parts));
  const i64 columns = least(kBlockColumns / parts, up(s.n, kPanel));
  const i64 bytes = 2 * (depth + kRun) * Blocks::kLeftRows + 2 * depth * columns;
  return static_cast<std::size_t>(bytes * parts + 64);
}

// False when a number of A or B is not finite in bfloat16: C then holds nothing of use (what it held, when the product
// is to be added), and k = 0 is left to float32, too.
inline bool gemm(const GemmShape& s, int parts, const float* a, const float* b, float* c, const float* bias,
                 Activation activation, void* workspace) {
  if (s.m <= 0 || s.n <= 0) return true;
  if (s.k <= 0) return false;
  if (s.accumulate) {
    const bool fit = all_fit(a, s.trans_a ? s.k : s.m, s.trans_a ? s.m : s.k, s.lda) &&
                     all_fit(b, s.trans_b ? s.n : s.k, s.trans_b ? s.k : s.n, s.ldb);
    if (!fit) return false;
  }
  const Blocks blocks(s, parts);
  const auto start = (reinterpret_cast<std::uintptr_t>(workspace) + 63) / 64 * 64;
  u32* right = reinterpret_cast<u32*>(start);
  u16* left = reinterpret_cast<u16*>(right + parts * blocks.right);
  Overflow overflow;
  Unit unit;
  const i64 bands = (s.m + Unit::kRows - 1) / Unit::kRows;
  for (i64 j0 = 0; j0 < s.n; j0 += blocks.columns) {
    const i64 columns = least(blocks.columns, s.n - j0);
    const auto width_of = [&](i64 j) { return columns - j > 16 ? kPanel : kPanel / 2; };
    for (i64 p0 = 0; p0 < s.k; p0 += blocks.depth) {
      const i64 k = least(blocks.depth, s.k - p0), depth = up(k, Unit::kDepth), room = up(k, kRun);
      const bool last = p0 + k == s.k;
      u32* const low_right = parts == 2 ? right + blocks.right : nullptr;
      const float* origin = s.trans_b ? b + j0 * s.ldb + p0 : b + p0 * s.ldb + j0;
      const i64 stretch = s.trans_b ? room : kStretch;
      for (i64 p = 0; p < k; p += stretch) {
        const i64 deep = least(stretch, k - p), padded = p + deep == k ? depth - p : deep;
        for (i64 j = 0; j < columns; j += kPanel) {
          const i64 width = width_of(j), at = j * room / 2 + p / 2 * width;
          pack_right(origin + (s.trans_b ? j * s.ldb + p : p * s.ldb + j), s.ldb, s.trans_b, least(width, columns - j),
                     width, deep, padded, right + at, low_right ? low_right + at : nullptr, overflow);
        }
      }
      // Bands of even height, but whole tiles where rows come in sixteens. Some are packed together when A is
      // transposed: its stored rows are runs along them.
      const auto begin_of = [&](i64 t) {
        return Unit::kRows % 16 == 0 ? least(s.m, t * Unit::kRows) : s.m * t / bands;
      };
      const i64 together = s.trans_a ? Blocks::kBands : 1;
      for (i64 t0 = 0; t0 < bands; t0 += together) {
        const i64 t1 = least(bands, t0 + together), top = begin_of(t0);
        pack_left(a + (s.trans_a ? p0 * s.lda + top : top * s.lda + p0), s.lda, s.trans_a, begin_of(t1) - top, k, depth,
                  left, parts == 2 ? left + blocks.left : nullptr, blocks.row, overflow);
        for (i64 t = t0; t < t1; ++t) {
          const i64 i0 = begin_of(t);
          for (i64 j = 0; j < columns; j += kPanel) {
            const i64 width = width_of(j);
            const TileJob job = {.parts = parts,
                                 .pairs = depth / 2,
                                 .segments = 1,
                                 .a = left + (i0 - top) * blocks.row,
                                 .a_row = blocks.row,
                                 .a_jump = 0,
                                 .a_part = blocks.left,
                                 .b = right + j * room / 2,
                                 .b_step = width,
                                 .b_jump = 0,
                                 .b_part = blocks.right,
                                 .c = c + i0 * s.ldc + j0 + j,
                                 .c_row = s.ldc,
                                 .cols = least(width, columns - j),
                                 .add = s.accumulate || p0 > 0,
                                 .bias = bias && last ? bias + j0 + j : nullptr,
                                 .relu = activation == Activation::relu && last};
            unit.run(job, begin_of(t + 1) - i0, width == kPanel ? 2 : 1);
          }
        }
      }
      if (overflow.found()) return false;
    }
  }
  return true;
}

}  // namespace keratin::cpu::KERATIN_ISA
