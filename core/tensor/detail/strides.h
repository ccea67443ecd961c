// Strides: how kernels of any backend walk arrays that are broadcast, transposed or pieces of larger ones.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "keratin/core/tensor/shape.h"

namespace keratin {

// Operands that share one walk.
inline constexpr int kMaxOperands = 4;

// The distances between neighbours on each axis, in elements.
std::vector<std::int64_t> row_major_strides(const Shape& shape);
// The same for `shape` broadcast to `result`: 0 where it is repeated. Nothing when it does not broadcast to it.
std::optional<std::vector<std::int64_t>> broadcast_strides(const Shape& shape, const Shape& result);

// One axis of a walk over a result, with the stride of each operand on it.
struct StridedAxis {
  std::int64_t size = 1;
  std::array<std::int64_t, kMaxOperands> stride{};
};
// The axes of `shape`, with those of size 1 dropped and neighbours joined where every operand allows it. `strides`: one
// list for each operand, at most kMaxOperands.
std::vector<StridedAxis> join_axes(const Shape& shape, const std::vector<std::vector<std::int64_t>>& strides);

}  // namespace keratin
