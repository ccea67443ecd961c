// Shapes as kernels see them: broadcast, transposed and cut operands as strides over joined axes.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "keratin/backends/cuda/device/elementwise.h"
#include "keratin/core/tensor/detail/strides.h"

namespace keratin::cuda {

// The walk for kernels; nothing when there are more axes than kernels take.
template <int operands>
std::optional<Strided<operands>> strided(const std::vector<StridedAxis>& axes) {
  if (axes.size() > kMaxAxes) return std::nullopt;
  Strided<operands> result;
  result.axes = static_cast<int>(axes.size());
  for (std::size_t a = 0; a < axes.size(); ++a) {
    result.size[a] = axes[a].size;
    for (std::size_t k = 0; k < operands; ++k) result.stride[k][a] = axes[a].stride[k];
  }
  return result;
}

// How operands of these shapes meet in a result; nothing when they do not.
template <int operands>
std::optional<Operands<operands>> meet(const std::array<const Shape*, operands>& shapes, const Shape& result) {
  Operands<operands> meeting;
  meeting.n = result.size();
  std::vector<std::vector<i64>> strides;
  for (const Shape* shape : shapes) {
    const auto s = broadcast_strides(*shape, result);
    if (!s) return std::nullopt;
    strides.push_back(*s);
  }
  const std::vector<StridedAxis> axes = join_axes(result, strides);
  if (axes.size() <= 1) {
    // One walk in which every operand goes along or stands.
    for (std::size_t k = 0; k < operands; ++k) meeting.single[k] = axes.empty() || axes[0].stride[k] == 0;
    return meeting;
  }
  const auto at = strided<operands>(axes);
  if (!at) return std::nullopt;
  meeting.strided = true;
  meeting.at = *at;
  return meeting;
}

}  // namespace keratin::cuda
