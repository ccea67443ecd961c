// Reverse-mode differentiation: adds the nodes that compute gradients to a graph of ops.
#pragma once

#include <span>
#include <vector>

#include "keratin/core/graph/node.h"

namespace keratin {

// d loss / d target for each target, with target's shape; an empty Value where the loss does not depend on it (or only
// through ops without a gradient). `loss` must be a floating scalar of a traced graph (ops only, known shapes).
Values gradients(const Value& loss, std::span<const Value> targets);
// The same for variables: all reads of one count.
Values gradients(const Value& loss, std::span<const VariablePtr> variables);

}  // namespace keratin
