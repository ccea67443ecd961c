// The gradient of scan.
#pragma once

#include "keratin/core/graph/node.h"

namespace keratin {

Values scan_gradient(const Node& node, std::span<const Value> dy);

}  // namespace keratin
