#include "keratin/backends/cuda/layout.h"

#include <algorithm>

namespace keratin::cuda {

std::vector<i64> row_major_strides(const Shape& shape) {
  std::vector<i64> strides(static_cast<std::size_t>(shape.rank()));
  i64 stride = 1;
  for (std::size_t axis = strides.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape.dims()[axis];
  }
  return strides;
}

std::optional<std::vector<i64>> broadcast_strides(const Shape& shape, const Shape& result) {
  const int extra = result.rank() - shape.rank();
  if (extra < 0) return std::nullopt;
  const std::vector<i64> own = row_major_strides(shape);
  std::vector<i64> strides(static_cast<std::size_t>(result.rank()), 0);
  for (std::size_t axis = 0; axis < own.size(); ++axis) {
    const std::size_t to = axis + static_cast<std::size_t>(extra);
    if (shape.dims()[axis] == result.dims()[to]) {
      strides[to] = own[axis];
    } else if (shape.dims()[axis] != 1) {
      return std::nullopt;
    }
  }
  return strides;
}

std::vector<Axis> join_axes(const Shape& shape, const std::vector<std::vector<i64>>& strides) {
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < shape.dims().size(); ++i) {
    Axis axis{.size = shape.dims()[i], .stride = {}};
    if (axis.size == 1) continue;
    for (const std::vector<i64>& operand : strides) axis.stride.push_back(operand[i]);
    if (!axes.empty()) {
      Axis& before = axes.back();
      const bool joins = std::equal(before.stride.begin(), before.stride.end(), axis.stride.begin(),
                                    [&](i64 outer, i64 inner) { return outer == inner * axis.size; });
      if (joins) {
        before = {.size = before.size * axis.size, .stride = axis.stride};
        continue;
      }
    }
    axes.push_back(std::move(axis));
  }
  return axes;
}

}  // namespace keratin::cuda
