#include "keratin/core/ops/detail/walks.h"

#include <algorithm>
#include <numeric>

#include "keratin/core/tensor/detail/strides.h"

namespace keratin::op_support {
namespace {

using Sizes = std::vector<std::int64_t>;

// Where the corner of a box lies in an array.
std::int64_t offset_of(const Sizes& corner, const Sizes& strides) {
  return std::inner_product(corner.begin(), corner.end(), strides.begin(), std::int64_t{0});
}

}  // namespace

std::optional<CopyWalk> copy_walk(const TransposeAttrs& attrs, const Shape& x, const Shape& y) {
  std::vector<int> sorted = attrs.permutation, axes(static_cast<std::size_t>(x.rank()));
  std::sort(sorted.begin(), sorted.end());
  std::iota(axes.begin(), axes.end(), 0);
  if (sorted != axes) return std::nullopt;
  const Sizes strides = row_major_strides(x);
  CopyWalk walk;
  for (int axis : attrs.permutation) {
    walk.box.push_back(x[axis]);
    walk.from.push_back(strides[static_cast<std::size_t>(axis)]);
  }
  if (walk.box != y) return std::nullopt;
  walk.to = row_major_strides(y);
  return walk;
}

std::optional<CopyWalk> copy_walk(const BroadcastToAttrs& attrs, const Shape& x, const Shape& y) {
  const auto strides = broadcast_strides(x, y);
  if (attrs.shape != y || !strides) return std::nullopt;
  return CopyWalk{.box = y, .from = *strides, .to = row_major_strides(y)};
}

std::optional<CopyWalk> copy_walk(const SliceAttrs& attrs, const Shape& x, const Shape& y) {
  const auto rank = static_cast<std::size_t>(x.rank());
  if (y.rank() != x.rank() || attrs.begin.size() != rank || attrs.size.size() != rank) return std::nullopt;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::int64_t begin = attrs.begin[axis], size = y.dims()[axis];
    if (begin < 0 || begin + size > x.dims()[axis]) return std::nullopt;
    if (attrs.size[axis] != size && (attrs.size[axis] != -1 || begin + size != x.dims()[axis])) return std::nullopt;
  }
  const Sizes strides = row_major_strides(x);
  return CopyWalk{
      .box = y, .from = strides, .to = row_major_strides(y), .from_offset = offset_of(attrs.begin, strides)};
}

std::optional<CopyWalk> copy_walk(const PadAttrs& attrs, const Shape& x, const Shape& y) {
  const auto rank = static_cast<std::size_t>(x.rank());
  if (y.rank() != x.rank() || attrs.before.size() != rank || attrs.after.size() != rank) return std::nullopt;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::int64_t before = attrs.before[axis], after = attrs.after[axis];
    if (before < 0 || after < 0 || y.dims()[axis] != before + x.dims()[axis] + after) return std::nullopt;
  }
  const Sizes strides = row_major_strides(y);
  return CopyWalk{.box = x, .from = row_major_strides(x), .to = strides, .to_offset = offset_of(attrs.before, strides)};
}

std::vector<CopyWalk> copy_walks(const ConcatenateAttrs& attrs, const std::vector<Shape>& x, const Shape& y) {
  const int axis = attrs.axis < 0 ? attrs.axis + y.rank() : attrs.axis;
  if (axis < 0 || axis >= y.rank()) return {};
  const Sizes strides = row_major_strides(y);
  std::vector<CopyWalk> walks;
  std::int64_t total = 0;
  for (const Shape& piece : x) {
    if (piece.rank() != y.rank()) return {};
    Shape whole = piece;
    whole[axis] = y[axis];
    if (whole != y) return {};
    walks.push_back({.box = piece,
                     .from = row_major_strides(piece),
                     .to = strides,
                     .to_offset = total * strides[static_cast<std::size_t>(axis)]});
    total += piece[axis];
  }
  return total == y[axis] ? walks : std::vector<CopyWalk>{};
}

std::optional<AxisView> axis_view(const Shape& shape, int axis) {
  if (axis < 0) axis += shape.rank();
  if (axis < 0 || axis >= shape.rank()) return std::nullopt;
  return AxisView{
      .outer = shape.slice(0, axis).size(), .size = shape[axis], .inner = shape.slice(axis + 1, shape.rank()).size()};
}

Shape reduced_shape(const Shape& shape, const std::vector<int>& axes, bool keepdims) {
  Shape result;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (std::find(axes.begin(), axes.end(), axis) == axes.end()) {
      result.push_back(shape[axis]);
    } else if (keepdims) {
      result.push_back(1);
    }
  }
  return result;
}

std::vector<std::int64_t> reduced_sizes(const Shape& shape, const std::vector<int>& axes) {
  std::vector<std::int64_t> sizes = {1};
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    const bool reduced = std::find(axes.begin(), axes.end(), axis) != axes.end();
    if (reduced != (sizes.size() % 2 == 0)) sizes.push_back(1);
    sizes.back() *= shape[axis];
  }
  if (sizes.size() == 1) sizes.push_back(1);
  if (sizes.size() % 2 == 0) sizes.push_back(1);
  return sizes;
}

}  // namespace keratin::op_support
