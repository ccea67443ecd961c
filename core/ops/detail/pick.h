// Elements of an axis by positions that are known when the graph is made.
#pragma once

#include <vector>

#include "keratin/core/graph/node.h"

namespace keratin::op_support {

// x at `positions` of an axis, each the same for all that stands before the axis. Sizes must be known. Throws
// InvalidArgument, "<op>: ...", for more rows than int32 numbers.
Value pick(std::string_view op, const Value& x, int axis, const std::vector<std::int32_t>& positions);
// Throws InvalidArgument, "<op>: ...", when x has unknown sizes.
void expect_known_sizes(std::string_view op, const Value& x);
// 0 <= result < rank. Throws InvalidArgument, "<op>: ...", otherwise.
int normalize_axis(std::string_view op, int axis, int rank);

}  // namespace keratin::op_support
