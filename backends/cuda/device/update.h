// Optimizer updates of many variables in one launch.
#pragma once

#include "keratin/backends/cuda/device/launch.h"

namespace keratin::cuda {

enum class Update : std::uint8_t { sgd, adam, rmsprop };

// Null for slots that are not there.
struct UpdatedVariable {
  const void* gradient;
  void* variable;
  void* slot[2];
  i64 size;  // elements
  double decay;
  bool wide;  // float64
};

// What one launch takes, as the kernel's argument: no table in device memory has to be kept. Arguments may have 4096
// bytes.
struct UpdateBatch {
  static constexpr int kMaxVariables = 48;
  static constexpr i64 kPiece = 1024;  // elements that a team updates
  UpdatedVariable at[kMaxVariables];
  i64 first_piece[kMaxVariables + 1];
  int count;

  void add(const UpdatedVariable& variable) {
    if (count == 0) first_piece[0] = 0;
    at[count] = variable;
    first_piece[count + 1] = first_piece[count] + (variable.size + kPiece - 1) / kPiece;
    ++count;
  }
  i64 pieces() const { return count == 0 ? 0 : first_piece[count]; }
};

struct UpdateStep {
  Update kind = Update::sgd;
  bool flag = false;
  double a = 0, b = 0, epsilon = 0;  // see core/ops/update.h
  const float* learning_rate = nullptr;
  const float* alpha = nullptr;  // Adam's
};

void update(Stream stream, const UpdateStep& step, const UpdateBatch& batch);

}  // namespace keratin::cuda
