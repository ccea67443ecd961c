#include "keratin/core/tensor/detail/strides.h"

#include <algorithm>
#include <cassert>

namespace keratin {

std::vector<std::int64_t> row_major_strides(const Shape& shape) {
  std::vector<std::int64_t> strides(static_cast<std::size_t>(shape.rank()));
  std::int64_t stride = 1;
  for (std::size_t axis = strides.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape.dims()[axis];
  }
  return strides;
}

std::optional<std::vector<std::int64_t>> broadcast_strides(const Shape& shape, const Shape& result) {
  const int extra = result.rank() - shape.rank();
  if (extra < 0) return std::nullopt;
  const std::vector<std::int64_t> own = row_major_strides(shape);
  std::vector<std::int64_t> strides(static_cast<std::size_t>(result.rank()), 0);
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

std::vector<StridedAxis> join_axes(const Shape& shape, const std::vector<std::vector<std::int64_t>>& strides) {
  assert(strides.size() <= static_cast<std::size_t>(kMaxOperands));
  std::vector<StridedAxis> axes;
  for (std::size_t i = 0; i < shape.dims().size(); ++i) {
    StridedAxis axis{.size = shape.dims()[i], .stride = {}};
    if (axis.size == 1) continue;
    for (std::size_t k = 0; k < strides.size(); ++k) axis.stride[k] = strides[k][i];
    if (!axes.empty()) {
      StridedAxis& before = axes.back();
      const bool joins = std::equal(before.stride.begin(), before.stride.end(), axis.stride.begin(),
                                    [&](std::int64_t outer, std::int64_t inner) { return outer == inner * axis.size; });
      if (joins) {
        before = {.size = before.size * axis.size, .stride = axis.stride};
        continue;
      }
    }
    axes.push_back(axis);
  }
  return axes;
}

}  // namespace keratin
