#include "keratin/core/ops/arrange.h"

#include <algorithm>
#include <numeric>

#include "keratin/core/ops/creation.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/pick.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/image.h"
#include "keratin/core/ops/math.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops {
namespace {

using namespace op_support;
using Sizes = std::vector<std::int64_t>;

Sizes zeros(const Value& x) { return Sizes(static_cast<std::size_t>(x.rank()), 0); }

// Elements [begin, end) of an axis.
Value part(const Value& x, int axis, std::int64_t begin, std::int64_t end) {
  Sizes from = zeros(x), size(from.size(), -1);
  from[static_cast<std::size_t>(axis)] = begin;
  size[static_cast<std::size_t>(axis)] = end - begin;
  return slice(x, from, size);
}

void expect_rank_from(std::string_view op, const Value& x, int rank) {
  if (x.rank() >= rank) return;
  throw InvalidArgument(std::string(op) + ": expected at least " + std::to_string(rank) + " axes, got shape " +
                        x.shape().to_string());
}

// With axes of size 1: (), (n) and (n, m) as (1, 1), (1, n), (n, m), and for three axes as (1, n, 1), (n, m, 1).
Value at_least(int rank, Value x) {
  if (x.rank() == 0) x = expand_dims(x, 0);
  if (rank > 1 && x.rank() == 1) x = expand_dims(x, 0);
  if (rank > 2 && x.rank() == 2) x = expand_dims(x, 2);
  return x;
}

Values equal_parts(std::string_view op, const Value& x, int parts, int axis) {
  expect_rank_from(op, x, axis + 1);
  return split(x, parts, axis);
}

// true on diagonal k of (rows, columns) and below.
Value triangle(std::int64_t rows, std::int64_t columns, int k) {
  return greater_equal(iota({rows, 1}, 0) + static_cast<double>(k), iota({1, columns}, 1));
}

Value matrix_triangle(std::string_view op, const Value& x, int k) {
  expect_rank_from(op, x, 2);
  const std::int64_t rows = x.shape()[-2], columns = x.shape()[-1];
  expect_known(Shape{rows, columns}, std::string(op) + ": matrices");
  return triangle(rows, columns, k);
}

}  // namespace

Value ravel(Value x) { return reshape(x, {kUnknown}); }

Value moveaxis(Value x, std::vector<int> source, std::vector<int> destination) {
  if (source.size() != destination.size()) {
    throw InvalidArgument("moveaxis: source and destination must name equally many axes, got " + text_of(source) +
                          " and " + text_of(destination));
  }
  std::vector<int> order(static_cast<std::size_t>(x.rank()), -1), others;
  for (std::size_t i = 0; i < source.size(); ++i) {
    source[i] = normalize_axis("moveaxis", source[i], x.rank());
    int& place = order[static_cast<std::size_t>(normalize_axis("moveaxis", destination[i], x.rank()))];
    if (place >= 0 || std::count(source.begin(), source.begin() + static_cast<std::ptrdiff_t>(i), source[i]) > 0) {
      throw InvalidArgument("moveaxis: an axis is named twice in " + text_of(source) + " or " + text_of(destination));
    }
    place = source[i];
  }
  int next = 0;
  for (int& place : order) {
    if (place >= 0) continue;
    while (std::find(source.begin(), source.end(), next) != source.end()) ++next;
    place = next++;
  }
  return transpose(x, order);
}

Value swapaxes(Value x, int axis1, int axis2) {
  std::vector<int> order(static_cast<std::size_t>(x.rank()));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<std::size_t>(normalize_axis("swapaxes", axis1, x.rank()))],
            order[static_cast<std::size_t>(normalize_axis("swapaxes", axis2, x.rank()))]);
  return transpose(x, order);
}

Value tile(Value x, Sizes repeats) {
  for (std::int64_t times : repeats) {
    if (times < 1) throw InvalidArgument("tile: repeats must be at least 1, got " + text_of(repeats));
  }
  while (x.rank() < static_cast<int>(repeats.size())) x = expand_dims(x, 0);
  repeats.insert(repeats.begin(), static_cast<std::size_t>(x.rank()) - repeats.size(), 1);
  for (int axis = 0; axis < x.rank(); ++axis) {
    const std::int64_t times = repeats[static_cast<std::size_t>(axis)];
    if (times == 1) continue;
    if (!x.shape().is_known()) {
      x = concatenate(Values(static_cast<std::size_t>(times), x), axis);
      continue;
    }
    Shape apart = x.shape().slice(0, axis).concat({times}).concat(x.shape().slice(axis, x.rank())), shape = x.shape();
    shape[axis] *= times;
    x = reshape(broadcast_to(expand_dims(x, axis), apart), shape);
  }
  return x;
}

Value roll(Value x, std::int64_t shift, std::vector<int> axes) {
  if (axes.empty()) {
    const Shape shape = x.shape();
    expect_known_sizes("roll", x);
    return x.rank() == 0 ? x : reshape(roll(ravel(x), shift, {0}), shape);
  }
  for (int axis : axes) {
    axis = normalize_axis("roll", axis, x.rank());
    const std::int64_t size = x.shape()[axis];
    expect_known(Shape{size}, "roll: the axis");
    if (size == 0) continue;
    const std::int64_t first = ((-shift) % size + size) % size;  // what comes to the front
    if (first != 0) x = concatenate({part(x, axis, first, size), part(x, axis, 0, first)}, axis);
  }
  return x;
}

Value fliplr(Value x) {
  expect_rank_from("fliplr", x, 2);
  return flip(x, {1});
}
Value flipud(Value x) {
  expect_rank_from("flipud", x, 1);
  return flip(x, {0});
}

Value rot90(Value x, int k, int axis1, int axis2) {
  expect_rank_from("rot90", x, 2);
  axis1 = normalize_axis("rot90", axis1, x.rank());
  axis2 = normalize_axis("rot90", axis2, x.rank());
  if (axis1 == axis2) throw InvalidArgument("rot90: the axes must be different, got " + std::to_string(axis1));
  switch ((k % 4 + 4) % 4) {
    case 1: return swapaxes(flip(x, {axis2}), axis1, axis2);
    case 2: return flip(x, {axis1, axis2});
    case 3: return flip(swapaxes(x, axis1, axis2), {axis2});
    default: return x;
  }
}

Value append(Value a, Value b) { return concatenate({ravel(a), ravel(b)}, 0); }
Value append(Value a, Value b, int axis) { return concatenate({a, b}, axis); }

Value vstack(Values values) {
  for (Value& value : values) value = at_least(2, value);
  return concatenate(std::move(values), 0);
}
Value hstack(Values values) {
  for (Value& value : values) value = at_least(1, value);
  const int axis = !values.empty() && values.front().rank() == 1 ? 0 : 1;
  return concatenate(std::move(values), axis);
}
Value dstack(Values values) {
  for (Value& value : values) value = at_least(3, value);
  return concatenate(std::move(values), 2);
}

Values unstack(Value x, int axis) {
  axis = normalize_axis("unstack", axis, x.rank());
  expect_known(Shape{x.shape()[axis]}, "unstack: the axis");
  Values result;
  for (std::int64_t i = 0; i < x.shape()[axis]; ++i) result.push_back(squeeze(part(x, axis, i, i + 1), axis));
  return result;
}

Values split_at(Value x, const Sizes& at, int axis) {
  axis = normalize_axis("split_at", axis, x.rank());
  const std::int64_t size = x.shape()[axis];
  expect_known(Shape{size}, "split_at: the axis");
  Values result;
  std::int64_t begin = 0;
  for (std::size_t i = 0; i <= at.size(); ++i) {
    const std::int64_t end = i < at.size() ? at[i] : size;
    if (end < begin || end > size) {
      throw InvalidArgument("split_at: the places must be ascending and within the " + std::to_string(size) +
                            " elements of axis " + std::to_string(axis) + ", got " + text_of(at));
    }
    result.push_back(part(x, axis, begin, end));
    begin = end;
  }
  return result;
}

Values array_split(Value x, int parts, int axis) {
  axis = normalize_axis("array_split", axis, x.rank());
  const std::int64_t size = x.shape()[axis];
  expect_known(Shape{size}, "array_split: the axis");
  if (parts < 1) throw InvalidArgument("array_split: parts must be at least 1, got " + std::to_string(parts));
  Sizes at;
  for (std::int64_t i = 1; i < parts; ++i) at.push_back(i * (size / parts) + std::min(i, size % parts));
  return split_at(x, at, axis);
}

Values vsplit(Value x, int parts) { return equal_parts("vsplit", x, parts, 0); }
Values hsplit(Value x, int parts) { return equal_parts("hsplit", x, parts, x.rank() == 1 ? 0 : 1); }
Values dsplit(Value x, int parts) { return equal_parts("dsplit", x, parts, 2); }

Value diag(Value x, int k) {
  if (x.rank() == 2) return diagonal(x, k);
  if (x.rank() != 1) {
    throw InvalidArgument("diag: expected a vector or a matrix, got shape " + x.shape().to_string());
  }
  expect_known_sizes("diag", x);
  const std::int64_t more = std::abs(k), size = x.shape()[0] + more;
  const Value at = equal(iota({size, 1}, 0) + static_cast<double>(k), iota({1, size}, 1));
  // Above the main diagonal the rows are x's elements, below it the columns.
  return where(at, reshape(pad(x, {0}, {more}), k < 0 ? Shape{1, size} : Shape{size, 1}), 0.0);
}

Value diagflat(Value x, int k) { return diag(ravel(x), k); }

Value diagonal(Value x, int offset, int axis1, int axis2) {
  expect_rank_from("diagonal", x, 2);
  expect_known_sizes("diagonal", x);
  x = moveaxis(x, {axis1, axis2}, {-2, -1});
  const std::int64_t rows = x.shape()[-2], columns = x.shape()[-1];
  std::vector<std::int32_t> positions;
  for (std::int64_t i = std::max(0, -offset); i < rows && i + offset < columns; ++i) {
    positions.push_back(static_cast<std::int32_t>(i * columns + i + offset));
  }
  const int rank = x.rank();
  return pick("diagonal", reshape(x, x.shape().slice(0, rank - 2).concat({rows * columns})), rank - 2, positions);
}

Value trace(Value x, int offset, int axis1, int axis2) { return sum(diagonal(x, offset, axis1, axis2), {-1}); }

Value tril(Value x, int k) { return where(matrix_triangle("tril", x, k), x, 0.0); }
Value triu(Value x, int k) { return where(matrix_triangle("triu", x, k - 1), 0.0, x); }

Value diff(Value x, int n, int axis) {
  axis = normalize_axis("diff", axis, x.rank());
  if (n < 0 || (x.shape()[axis] != kUnknown && x.shape()[axis] < n)) {
    throw InvalidArgument("diff: n must be from 0 to the size of axis " + std::to_string(axis) + " of shape " +
                          x.shape().to_string() + ", got " + std::to_string(n));
  }
  expect_known(Shape{x.shape()[axis]}, "diff: the axis");
  if (x.dtype() == DType::boolean) x = cast(x, DType::int32);
  for (; n > 0; --n) {
    const std::int64_t size = x.shape()[axis];
    x = part(x, axis, 1, size) - part(x, axis, 0, size - 1);
  }
  return x;
}

Value select(const Values& conditions, const Values& choices, Value otherwise) {
  if (conditions.empty() || conditions.size() != choices.size()) {
    throw InvalidArgument("select: there must be a choice for each condition and at least one, got " +
                          std::to_string(conditions.size()) + " conditions and " + std::to_string(choices.size()) +
                          " choices");
  }
  for (std::size_t i = conditions.size(); i-- > 0;) otherwise = where(conditions[i], choices[i], otherwise);
  return otherwise;
}

Values meshgrid(Values axes, const std::string& indexing) {
  if (indexing != "xy" && indexing != "ij") {
    throw InvalidArgument("meshgrid: indexing must be 'xy' or 'ij', got '" + indexing + "'");
  }
  const int rank = static_cast<int>(axes.size());
  const auto place = [&](int i) { return indexing == "xy" && rank > 1 && i < 2 ? 1 - i : i; };
  Shape grid(Sizes(axes.size(), 1));
  for (int i = 0; i < rank; ++i) {
    Value& axis = axes[static_cast<std::size_t>(i)];
    axis = ravel(axis);
    expect_known_sizes("meshgrid", axis);
    grid[place(i)] = axis.shape()[0];
  }
  for (int i = 0; i < rank; ++i) {
    Value& axis = axes[static_cast<std::size_t>(i)];
    Shape shape(Sizes(axes.size(), 1));
    shape[place(i)] = axis.shape()[0];
    axis = broadcast_to(reshape(axis, shape), grid);
  }
  return axes;
}

Values unravel_index(Value indices, const Shape& shape) {
  if (!shape.is_known() || shape.rank() == 0) {
    throw InvalidArgument("unravel_index: expected a shape of known sizes with at least one axis, got " +
                          shape.to_string());
  }
  Values result;
  Value rest = cast(indices, DType::int32);
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    const auto size = static_cast<double>(shape[axis]);
    result.insert(result.begin(), axis == 0 ? rest : mod(rest, size));
    rest = floor_divide(rest, size);
  }
  return result;
}

Value slice_update(Value x, Sizes start, Value updates) {
  expect_known_sizes("slice_update", x);
  const Shape &shape = x.shape(), &size = updates.shape();
  bool fits = size.rank() == shape.rank() && static_cast<int>(start.size()) == shape.rank() && size.is_known();
  Sizes after;
  for (int axis = 0; fits && axis < shape.rank(); ++axis) {
    const std::int64_t begin = start[static_cast<std::size_t>(axis)];
    after.push_back(shape[axis] - begin - size[axis]);
    fits = begin >= 0 && after.back() >= 0;
  }
  if (!fits) {
    throw InvalidArgument("slice_update: updates of shape " + size.to_string() + " from " + text_of(start) +
                          " on must lie within x of shape " + shape.to_string());
  }
  const Value within = pad(cast(ones_like(updates), DType::uint8), start, after);
  return where(cast(within, DType::boolean), pad(cast(updates, x.dtype()), start, after), x);
}

Value depth_to_space(Value x, std::int64_t block) {
  expect_known_sizes("depth_to_space", x);
  const Shape s = x.shape();
  if (s.rank() != 4 || block < 1 || s[3] % (block * block) != 0) {
    throw InvalidArgument("depth_to_space: expected shape (n, h, w, c) with c a multiple of " +
                          std::to_string(block * block) + ", got " + s.to_string());
  }
  const std::int64_t channels = s[3] / (block * block);
  x = transpose(reshape(x, {s[0], s[1], s[2], block, block, channels}), {0, 1, 3, 2, 4, 5});
  return reshape(x, {s[0], s[1] * block, s[2] * block, channels});
}

Value space_to_depth(Value x, std::int64_t block) {
  expect_known_sizes("space_to_depth", x);
  const Shape s = x.shape();
  if (s.rank() != 4 || block < 1 || s[1] % block != 0 || s[2] % block != 0) {
    throw InvalidArgument("space_to_depth: expected shape (n, h, w, c) with h and w multiples of " +
                          std::to_string(block) + ", got " + s.to_string());
  }
  x = reshape(x, {s[0], s[1] / block, block, s[2] / block, block, s[3]});
  return reshape(transpose(x, {0, 1, 3, 2, 4, 5}), {s[0], s[1] / block, s[2] / block, block * block * s[3]});
}

Value extract_sequences(Value x, std::int64_t length, std::int64_t stride) {
  expect_rank_from("extract_sequences", x, 1);
  expect_known_sizes("extract_sequences", x);
  const std::int64_t size = x.shape()[-1];
  if (length < 1 || stride < 1 || length > size) {
    throw InvalidArgument(
        "extract_sequences: length must be from 1 to the last axis's size and stride at least 1, got " +
        std::to_string(length) + " and " + std::to_string(stride) + " for shape " + x.shape().to_string());
  }
  std::vector<std::int32_t> positions;
  const std::int64_t count = (size - length) / stride + 1;
  for (std::int64_t i = 0; i < count * length; ++i) {
    positions.push_back(static_cast<std::int32_t>(i / length * stride + i % length));
  }
  const int last = x.rank() - 1;
  return reshape(pick("extract_sequences", x, last, positions), x.shape().slice(0, last).concat({count, length}));
}

}  // namespace keratin::ops
