// Reverse-mode differentiation of a graph of ops: what core/compiler/autodiff.h and the gradient of scan stand on.
#pragma once

#include <span>

#include "keratin/core/graph/node.h"

namespace keratin {

// The gradients of sum(outputs * dy) for `targets`, with their shapes; an empty Value where there is none. An empty dy
// counts as zero. A target among the outputs gets its dy. Adds the nodes that compute them, in the scopes of the nodes
// they come from.
Values pull_back(std::span<const Value> outputs, std::span<const Value> dy, std::span<const Value> targets);

}  // namespace keratin
