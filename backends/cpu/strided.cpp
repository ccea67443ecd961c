#include "keratin/backends/cpu/strided.h"

#include <algorithm>

namespace keratin::cpu {

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

std::vector<LoopAxis> join_axes(const Shape& shape, const std::vector<std::vector<i64>>& strides) {
  std::vector<LoopAxis> axes;
  for (std::size_t i = 0; i < shape.dims().size(); ++i) {
    LoopAxis axis{.size = shape.dims()[i], .stride = {}};
    if (axis.size == 1) continue;
    for (std::size_t k = 0; k < strides.size(); ++k) axis.stride[k] = strides[k][i];
    if (!axes.empty()) {
      LoopAxis& before = axes.back();
      const bool joins = std::equal(before.stride.begin(), before.stride.end(), axis.stride.begin(),
                                    [&](i64 outer, i64 inner) { return outer == inner * axis.size; });
      if (joins) {
        before = {.size = before.size * axis.size, .stride = axis.stride};
        continue;
      }
    }
    axes.push_back(axis);
  }
  return axes;
}

std::optional<OuterLoop> outer_loop(std::span<const LoopAxis> axes) {
  if (axes.size() > kMaxOuterAxes) return std::nullopt;
  OuterLoop loop;
  loop.axes = static_cast<int>(axes.size());
  for (std::size_t a = 0; a < axes.size(); ++a) {
    loop.size[a] = axes[a].size;
    loop.stride[a] = axes[a].stride;
    loop.rows *= axes[a].size;
  }
  return loop;
}

}  // namespace keratin::cpu
