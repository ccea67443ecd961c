// Walks: which elements ops that move them read and write, for kernels of any backend.
#pragma once

#include <optional>
#include <vector>

#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"

namespace keratin::op_support {

// The elements of a box go from one array to another: strides of both along the box's axes, in elements, 0 where an
// element is read again.
struct CopyWalk {
  Shape box;
  std::vector<std::int64_t> from, to;
  std::int64_t from_offset = 0, to_offset = 0;
};

// The walk from x to y, row-major both; nothing when attributes and operands do not fit each other.
std::optional<CopyWalk> copy_walk(const TransposeAttrs& attrs, const Shape& x, const Shape& y);
std::optional<CopyWalk> copy_walk(const BroadcastToAttrs& attrs, const Shape& x, const Shape& y);
std::optional<CopyWalk> copy_walk(const SliceAttrs& attrs, const Shape& x, const Shape& y);
// Leaves out the frame.
std::optional<CopyWalk> copy_walk(const PadAttrs& attrs, const Shape& x, const Shape& y);
// One for each operand; empty when they do not fit.
std::vector<CopyWalk> copy_walks(const ConcatenateAttrs& attrs, const std::vector<Shape>& x, const Shape& y);

// An array seen as (outer, size, inner) around one axis.
struct AxisView {
  std::int64_t outer = 1, size = 1, inner = 1;
};
// Nothing when there is no such axis; a negative one counts from the end.
std::optional<AxisView> axis_view(const Shape& shape, int axis);

Shape reduced_shape(const Shape& shape, const std::vector<int>& axes, bool keepdims);
// The sizes of `shape` with neighbouring axes of one kind joined: kept, reduced, kept, ..., kept; at least three.
std::vector<std::int64_t> reduced_sizes(const Shape& shape, const std::vector<int>& axes);

}  // namespace keratin::op_support
