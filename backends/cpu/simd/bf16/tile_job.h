// A register tile of a product of bfloat16: what the units compute.
#pragma once

#include "keratin/backends/cpu/simd/bf16/split.h"

namespace keratin::cpu::KERATIN_ISA {

constexpr i64 kPanel = 32;  // columns of a whole panel; the last one has 16 when these are enough

// C(rows, cols) = or += the sum over `segments` runs of `pairs` words. Between two runs both operands jump. With two
// parts it is the sum of three products: high by low, low by high, high by high.
struct TileJob {
  int parts;
  i64 pairs, segments;
  const u16* a;
  i64 a_row, a_jump, a_part;  // distances in numbers: of rows, from a run's end to the next, to the low part
  const u32* b;
  i64 b_step, b_jump, b_part;  // distances in words: of words along k, from a run's end to the next, to the low part
  float* c;
  i64 c_row, cols;
  bool add;           // to what C holds
  const float* bias;  // of the tile's columns, or null
  bool relu;
};

}  // namespace keratin::cpu::KERATIN_ISA
