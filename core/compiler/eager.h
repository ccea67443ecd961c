// Computes values now, on the current device: what stands behind `Tensor y = ops::matmul(a, b)`.
#pragma once

#include <span>
#include <vector>

#include "keratin/core/graph/value.h"

namespace keratin {

// The values as tensors, computed together by one plan. Plans are cached by the graph's structure and shapes; constants
// are fed, so that new numbers need no new plan. Layers run as in prediction. Throws InvalidArgument when a value
// depends on an Input. May be called from several threads; calls take turns.
std::vector<Tensor> evaluate(std::span<const Value> values);

}  // namespace keratin
