#include "keratin/core/ops/scatter.h"

#include <limits>

#include "keratin/core/ops/arrange.h"
#include "keratin/core/ops/creation.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/pick.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/gather.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/statistics.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops {
namespace {

using namespace op_support;

void expect_countable(std::string_view op, std::int64_t rows) {
  if (rows <= std::numeric_limits<std::int32_t>::max()) return;
  throw InvalidArgument(std::string(op) + ": more than 2^31 rows at once");
}

// Rows added into zeros (rows, ...) at ids. Integers by way of float64, which adds them exactly up to 2^53.
Value add_rows(const Value& values, const Value& ids, const Shape& table) {
  const DType dtype =
      values.dtype() == DType::boolean || values.dtype() == DType::uint8 ? DType::int32 : values.dtype();
  const Value numbers = is_floating(dtype) ? values : cast(values, DType::float64);
  return cast(apply1(kTakeGrad, TakeGradAttrs{table}, {numbers, cast(ids, DType::int32)}), dtype);
}

// The number of each index (k, r) in row-major order of `shape`, -1 for those outside: (k).
Value row_numbers(std::string_view op, const Value& indices, const Shape& shape) {
  if (indices.rank() != 2 || !indices.shape().is_known() || indices.shape()[1] > shape.rank()) {
    throw InvalidArgument(std::string(op) + ": indices must have shape (k, r) with r up to the rank of " +
                          shape.to_string() + ", got " + indices.shape().to_string());
  }
  const int rank = static_cast<int>(indices.shape()[1]);
  expect_countable(op, shape.slice(0, rank).size());
  const Values parts = unstack(cast(indices, DType::int32), 1);
  Value number, inside;
  for (int axis = 0; axis < rank; ++axis) {
    const Value& i = parts[static_cast<std::size_t>(axis)];
    const auto size = static_cast<double>(shape[axis]);
    const Value within = logical_and(greater_equal(i, 0.0), less(i, size));
    number = number ? number * size + i : i;
    inside = inside ? logical_and(inside, within) : within;
  }
  if (!number) throw InvalidArgument(std::string(op) + ": indices must name at least one axis");
  return where(inside, number, -1.0);
}

Shape table_of(const Shape& shape, int indexed) {
  return Shape{shape.slice(0, indexed).size()}.concat(shape.slice(indexed, shape.rank()));
}

void expect_values(std::string_view op, const Value& indices, const Value& values, const Shape& shape) {
  const Shape expected =
      indices.shape().slice(0, 1).concat(shape.slice(static_cast<int>(indices.shape()[1]), shape.rank()));
  if (values.shape() == expected) return;
  throw InvalidArgument(std::string(op) + ": for indices " + indices.shape().to_string() + " into " +
                        shape.to_string() + " the values must have shape " + expected.to_string() + ", got " +
                        values.shape().to_string());
}

// data with `others` in place of the rows of other segments: (segments, n, ...).
Value by_segment(std::string_view op, const Value& data, const Value& ids, std::int64_t segments, double others) {
  expect_known_sizes(op, data);
  if (ids.rank() != 1 || data.rank() == 0 || ids.shape()[0] != data.shape()[0] || segments < 1) {
    throw InvalidArgument(std::string(op) + ": expected data (n, ...), ids (n) and at least one segment, got shapes " +
                          data.shape().to_string() + " and " + ids.shape().to_string() + " and " +
                          std::to_string(segments));
  }
  Shape shape = Shape{1}.concat(ids.shape());
  for (int axis = 1; axis < data.rank(); ++axis) shape.push_back(1);
  Shape numbers(std::vector<std::int64_t>(static_cast<std::size_t>(shape.rank()), 1));
  numbers[0] = segments;
  const Value here = equal(reshape(cast(ids, DType::int32), shape), iota(numbers, 0));
  return where(here, expand_dims(data, 0), scalar(others, data.dtype()));
}

// Where a maximum begins.
double lowest(DType dtype) {
  if (is_floating(dtype)) return -std::numeric_limits<double>::infinity();
  return dtype == DType::int32 ? -0x1p31 : dtype == DType::int64 ? -0x1p63 : 0;
}
double highest(DType dtype) {
  if (is_floating(dtype)) return std::numeric_limits<double>::infinity();
  return dtype == DType::int32 ? 0x1.fffffffcp30 : dtype == DType::int64 ? 0x1.fffffffffffffp62 : 255;
}

}  // namespace

Value take_along_axis(Value x, Value indices, int axis) {
  expect_known_sizes("take_along_axis", x);
  expect_known_sizes("take_along_axis", indices);
  axis = normalize_axis("take_along_axis", axis, x.rank());
  Shape shape = x.shape();
  if (indices.rank() == x.rank()) shape[axis] = indices.shape()[axis];
  bool fits = indices.rank() == x.rank();
  for (int i = 0; fits && i < x.rank(); ++i) fits = indices.shape()[i] == shape[i] || indices.shape()[i] == 1;
  if (!fits) {
    throw InvalidArgument("take_along_axis: indices must have the sizes of x, " + x.shape().to_string() +
                          ", or 1, on all axes but " + std::to_string(axis) + ", got " + indices.shape().to_string());
  }
  const Value rows = swapaxes(x, axis, -1);
  Value at = swapaxes(broadcast_to(cast(indices, DType::int32), shape), axis, -1);
  const Shape result = at.shape();
  const std::int64_t size = rows.shape()[-1], outer = size == 0 ? 0 : rows.shape().size() / size;
  expect_countable("take_along_axis", outer * size);
  at = reshape(at, {outer, result[-1]});
  at = where(less(at, 0.0), at + static_cast<double>(size), at);
  const Value inside = logical_and(greater_equal(at, 0.0), less(at, static_cast<double>(size)));
  const Value ids = where(inside, at + iota({outer, 1}, 0) * static_cast<double>(size), -1.0);
  return swapaxes(reshape(take(ravel(rows), ids), result), axis, -1);
}

Value scatter(Value indices, Value values, Shape shape) {
  expect_known(shape, "scatter: the shape");
  const Value ids = row_numbers("scatter", indices, shape);
  expect_values("scatter", indices, values, shape);
  return reshape(add_rows(values, ids, table_of(shape, static_cast<int>(indices.shape()[1]))), shape);
}

Value scatter_update(Value x, Value indices, Value updates) {
  expect_known_sizes("scatter_update", x);
  const Shape shape = x.shape();
  Value ids = row_numbers("scatter_update", indices, shape);
  updates = cast(updates, x.dtype());
  expect_values("scatter_update", indices, updates, shape);
  const std::int64_t count = ids.shape()[0];
  if (count > 1) {
    // Of updates with one index the last counts: those that have a later one are left out.
    const Value same = equal(reshape(ids, {count, 1}), reshape(ids, {1, count}));
    ids = where(any(logical_and(same, logical_not(cast(tri(count), DType::boolean))), {1}), -1.0, ids);
  }
  const Shape table = table_of(shape, static_cast<int>(indices.shape()[1]));
  const Value written = add_rows(ones_like(cast(ids, DType::float32)), ids, {table[0]});
  Shape rows(std::vector<std::int64_t>(static_cast<std::size_t>(table.rank()), 1));
  rows[0] = table[0];
  const Value here = reshape(greater(written, 0.0), rows);
  return reshape(where(here, cast(add_rows(updates, ids, table), x.dtype()), reshape(x, table)), shape);
}

Value segment_sum(Value data, Value ids, std::int64_t segments) {
  expect_known_sizes("segment_sum", data);
  if (ids.rank() != 1 || data.rank() == 0 || ids.shape()[0] != data.shape()[0] || segments < 1) {
    by_segment("segment_sum", data, ids, segments, 0);  // throws
  }
  return add_rows(data, ids, Shape{segments}.concat(data.shape().slice(1, data.rank())));
}
Value segment_prod(Value data, Value ids, std::int64_t segments) {
  return prod(by_segment("segment_prod", data, ids, segments, 1), {1});
}
Value segment_max(Value data, Value ids, std::int64_t segments) {
  return max(by_segment("segment_max", data, ids, segments, lowest(data.dtype())), {1});
}
Value segment_min(Value data, Value ids, std::int64_t segments) {
  return min(by_segment("segment_min", data, ids, segments, highest(data.dtype())), {1});
}

Value bincount(Value x, std::int64_t length, Value weights) {
  const Value ids = ravel(x);
  if (length < 1) throw InvalidArgument("bincount: length must be at least 1, got " + std::to_string(length));
  return segment_sum(weights ? ravel(weights) : ones_like(cast(ids, DType::int32)), ids, length);
}

Values histogram(Value x, std::int64_t bins, double low, double high) {
  if (bins < 1 || low > high) {
    throw InvalidArgument("histogram: expected at least one bin and low <= high, got " + std::to_string(bins) + ", " +
                          format_number(low) + " and " + format_number(high));
  }
  x = to_floating(ravel(x));
  const bool given = low < high;
  const Value first = given ? scalar(low, x.dtype()) : min(x), last = given ? scalar(high, x.dtype()) : max(x);
  // All elements equal: one to the left and one to the right of them.
  const Value flat = equal(first, last), begin = where(flat, first - 0.5, first), end = where(flat, last + 0.5, last);
  const auto count = static_cast<double>(bins);
  const Value part = (end - begin) / count;
  const Value at = minimum(floor((x - begin) / part), count - 1);
  const Value inside = logical_and(greater_equal(x, begin), less_equal(x, end));
  const Value edges = begin + iota({bins + 1}, 0, x.dtype()) * part;
  return {cast(bincount(cast(where(inside, at, -1.0), DType::int32), bins), x.dtype()), edges};
}

}  // namespace keratin::ops
