// Tape: several steps on a few elements each, in one launch. An optimizer's scalars and the metrics' sums are a dozen
// steps of a training step, and a launch costs more than all of their work.
#pragma once

#include "keratin/backends/cuda/device/elementwise.h"

namespace keratin::cuda {

enum class TapeKind : std::uint8_t { copy, convert, unary, binary, advance };

// One step; addresses are filled in when it is launched.
struct TapeStep {
  TapeKind kind = TapeKind::copy;
  std::uint8_t op = 0;  // of Unary or Binary
  DType from = DType::float32, to = DType::float32;
  bool single[2] = {};  // an operand of one element for all
  std::int32_t n = 0;   // elements
  i64 number = 0;       // advance: the batch
  const void* in[2] = {};
  void* out = nullptr;
};

struct Tape {
  static constexpr int kMaxSteps = 32;
  static constexpr i64 kMaxElements = 64;
  TapeStep steps[kMaxSteps];
  int count = 0;
};

// Whether a step of this kind can be on a tape: only what training steps do with scalars is.
bool fits_tape(const TapeStep& step);
void run_tape(Stream stream, const Tape& tape);

}  // namespace keratin::cuda
