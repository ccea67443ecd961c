// Walk: where the elements of a row-major array lie in another array; the one piece of index arithmetic here.
#pragma once

#include <utility>
#include <vector>

#include "keratin/backends/reference/array.h"

namespace keratin::reference {

// The distance between neighbours on each axis, in elements.
inline std::vector<i64> row_major_strides(const Shape& shape) {
  std::vector<i64> strides(static_cast<std::size_t>(shape.rank()));
  i64 stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<std::size_t>(axis)] = stride;
    stride *= shape[axis];
  }
  return strides;
}

// Takes element (i0, i1, ...) of `shape` to base + i0*strides[0] + i1*strides[1] + ...
class Walk {
 public:
  Walk(Shape shape, std::vector<i64> strides, i64 base = 0)
      : shape_(std::move(shape)), strides_(std::move(strides)), base_(base) {}

  // For the element with this number in row-major order.
  i64 operator()(i64 number) const {
    i64 position = base_;
    for (std::size_t axis = strides_.size(); axis-- > 0;) {
      const i64 size = shape_.dims()[axis];
      position += number % size * strides_[axis];
      number /= size;
    }
    return position;
  }

 private:
  Shape shape_;
  std::vector<i64> strides_;
  i64 base_;
};

// Where the elements of a broadcast to `shape` come from in an array of shape `from`: axes are aligned at the end, and
// an axis of size 1 stands still.
inline Walk broadcast_walk(const Shape& from, const Shape& shape) {
  const std::vector<i64> own = row_major_strides(from);
  std::vector<i64> strides(static_cast<std::size_t>(shape.rank()), 0);
  for (int axis = 1; axis <= from.rank(); ++axis) {
    if (from[-axis] != 1)
      strides[strides.size() - static_cast<std::size_t>(axis)] = own[own.size() - static_cast<std::size_t>(axis)];
  }
  return Walk(shape, std::move(strides));
}

// Where the elements of a box of `shape` lie in an array of shape `whole`, with the box's corner at `corner`.
inline Walk box_walk(const Shape& shape, const Shape& whole, const std::vector<i64>& corner) {
  std::vector<i64> strides = row_major_strides(whole);
  i64 base = 0;
  for (std::size_t axis = 0; axis < strides.size(); ++axis) base += corner[axis] * strides[axis];
  return Walk(shape, std::move(strides), base);
}

}  // namespace keratin::reference
