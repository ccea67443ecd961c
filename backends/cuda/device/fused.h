// Several element-wise ops in one launch: a small program that each thread runs on its elements, whose values stay with
// the thread from op to op. A launch costs more than the work of a few thousand elements, and for more of them it is
// their way through memory that counts.
#pragma once

#include "keratin/backends/cuda/device/elementwise.h"

namespace keratin::cuda {

enum class FusedKind : std::uint8_t { unary, binary, gradient, select };

// Where a value comes from: an operand's number, or kFusedRegister and the register's.
using FusedSource = std::uint8_t;
inline constexpr FusedSource kFusedRegister = 128;

struct FusedInstruction {
  FusedKind kind = FusedKind::unary;
  std::uint8_t op = 0;  // of Unary, Binary or Gradient
  FusedSource a = 0, b = 0;
  FusedSource condition = 0;  // select: an operand of bytes
  std::uint8_t to = 0;        // a register
};

// On an array of (rows, columns). Operands are read before results of the same place are written, so that a result may
// lie in an operand's memory.
struct FusedProgram {
  static constexpr int kMaxInstructions = 64, kMaxOperands = 40, kMaxResults = 24, kMaxSums = 8, kMaxRegisters = 24;
  struct Operand {
    const void* x = nullptr;
    i64 stride = 0;     // elements from row to row
    bool along = true;  // whether it has one for each column
  };
  struct Result {
    void* y = nullptr;
    i64 stride = 0;
    FusedSource from = 0;
  };
  struct Sum {
    void* y = nullptr;  // (blocks, columns): the sums of so many rows each, in their order
    FusedSource from = 0;
  };

  i64 rows = 1, columns = 0;
  i64 block_rows = 1;  // of a thread; 1 without sums
  int instructions = 0, operands = 0, results = 0, sums = 0;
  FusedInstruction instruction[kMaxInstructions];
  Operand operand[kMaxOperands];
  Result result[kMaxResults];
  Sum sum[kMaxSums];

  i64 blocks() const { return (rows + block_rows - 1) / block_rows; }
};

// float32 or float64.
void run_fused(Stream stream, DType dtype, const FusedProgram& program);

}  // namespace keratin::cuda
