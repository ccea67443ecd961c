// Forward passes of recurrent layers and their gradients in one plan.
#pragma once

#include <vector>

#include "keratin/backends/cuda/kernel.h"

namespace keratin::cuda {

// Two steps of a plan: what the first leaves for the second takes so many bytes, which nobody else may write.
struct JoinedSteps {
  std::size_t first = 0, second = 0;
  i64 kept_bytes = 0;
};

// Joins every gradient with its forward pass where the plan has both, so that it need not go forwards again; changes
// the kernels, one for each step, and their workspaces.
std::vector<JoinedSteps> join_recurrent(const Plan& plan, const std::vector<Kernel*>& kernels);

}  // namespace keratin::cuda
