#include "keratin/core/ops/linear.h"

#include <algorithm>

#include "keratin/core/ops/arrange.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/pick.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops {
namespace {

using namespace op_support;

// Elements [begin, begin + 1) or more of an axis.
Value part(const Value& x, int axis, std::int64_t begin, std::int64_t size) {
  std::vector<std::int64_t> from(static_cast<std::size_t>(x.rank()), 0), count(from.size(), -1);
  from[static_cast<std::size_t>(axis)] = begin;
  count[static_cast<std::size_t>(axis)] = size;
  return slice(x, from, count);
}

Value area(const Value& y, const Value& widths, int axis) {
  const std::int64_t size = y.shape()[axis];
  if (size < 2) return sum(y * 0.0, {axis});
  return sum((part(y, axis, 1, size - 1) + part(y, axis, 0, size - 1)) * widths * 0.5, {axis});
}

}  // namespace

Value dot(Value a, Value b) {
  if (a.rank() == 0 || b.rank() == 0) return a * b;
  return tensordot(a, b, {-1}, {b.rank() == 1 ? 0 : -2});
}

Value inner(Value a, Value b) {
  if (a.rank() == 0 || b.rank() == 0) return a * b;
  return tensordot(a, b, {-1}, {-1});
}

Value outer(Value a, Value b) { return expand_dims(ravel(a), 1) * expand_dims(ravel(b), 0); }

Value vdot(Value a, Value b) { return sum(ravel(a) * ravel(b)); }

Value tensordot(Value a, Value b, int axes) {
  if (axes < 0 || axes > a.rank() || axes > b.rank()) {
    throw InvalidArgument("tensordot: axes must be from 0 to the ranks of the operands, got " + std::to_string(axes) +
                          " for shapes " + a.shape().to_string() + " and " + b.shape().to_string());
  }
  std::vector<int> last, first;
  for (int i = 0; i < axes; ++i) {
    last.push_back(a.rank() - axes + i);
    first.push_back(i);
  }
  return tensordot(a, b, last, first);
}

Value tensordot(Value a, Value b, std::vector<int> axes_a, std::vector<int> axes_b) {
  expect_known_sizes("tensordot", a);
  expect_known_sizes("tensordot", b);
  meet(a, b);
  a = to_floating(a);
  b = to_floating(b);
  bool fits = axes_a.size() == axes_b.size();
  for (std::size_t i = 0; fits && i < axes_a.size(); ++i) {
    axes_a[i] = normalize_axis("tensordot", axes_a[i], a.rank());
    axes_b[i] = normalize_axis("tensordot", axes_b[i], b.rank());
    fits = a.shape()[axes_a[i]] == b.shape()[axes_b[i]];
  }
  if (!fits) {
    throw InvalidArgument("tensordot: axes " + text_of(axes_a) + " of shape " + a.shape().to_string() + " and " +
                          text_of(axes_b) + " of " + b.shape().to_string() + " must be pairs of one size");
  }
  const int count = static_cast<int>(axes_a.size());
  std::vector<int> last, first;
  for (int i = 0; i < count; ++i) {
    last.push_back(a.rank() - count + i);
    first.push_back(i);
  }
  a = moveaxis(a, axes_a, last);
  b = moveaxis(b, axes_b, first);
  const Shape rows = a.shape().slice(0, a.rank() - count), columns = b.shape().slice(count, b.rank());
  const std::int64_t size = b.shape().slice(0, count).size();
  const Value product = matmul(reshape(a, {rows.size(), size}), reshape(b, {size, columns.size()}));
  return reshape(product, rows.concat(columns));
}

Value kron(Value a, Value b) {
  expect_known_sizes("kron", a);
  expect_known_sizes("kron", b);
  while (a.rank() < b.rank()) a = expand_dims(a, 0);
  while (b.rank() < a.rank()) b = expand_dims(b, 0);
  Shape apart_a, apart_b, result;
  for (int axis = 0; axis < a.rank(); ++axis) {
    apart_a = apart_a.concat({a.shape()[axis], 1});
    apart_b = apart_b.concat({1, b.shape()[axis]});
    result.push_back(a.shape()[axis] * b.shape()[axis]);
  }
  return reshape(reshape(a, apart_a) * reshape(b, apart_b), result);
}

Value cross(Value a, Value b, int axis) {
  const int axis_a = normalize_axis("cross", axis, a.rank()), axis_b = normalize_axis("cross", axis, b.rank());
  if (a.shape()[axis_a] != 3 || b.shape()[axis_b] != 3) {
    throw InvalidArgument("cross: the vectors must have three elements on axis " + std::to_string(axis) +
                          ", got shapes " + a.shape().to_string() + " and " + b.shape().to_string());
  }
  const auto at = [](const Value& x, int along, std::int64_t i) { return part(x, along, i % 3, 1); };
  Values parts;
  for (std::int64_t i = 0; i < 3; ++i) {
    parts.push_back(at(a, axis_a, i + 1) * at(b, axis_b, i + 2) - at(a, axis_a, i + 2) * at(b, axis_b, i + 1));
  }
  return concatenate(parts, axis < 0 ? axis : std::max(axis_a, axis_b));
}

Value cdist(Value a, Value b) {
  if (a.rank() < 2 || b.rank() < 2) {
    throw InvalidArgument("cdist: expected shapes (..., m, k) and (..., n, k), got " + a.shape().to_string() + " and " +
                          b.shape().to_string());
  }
  const Value apart = to_floating(expand_dims(a, -2)) - to_floating(expand_dims(b, -3));
  return sqrt(sum(square(apart), {-1}));
}

Value trapezoid(Value y, double dx, int axis) {
  axis = normalize_axis("trapezoid", axis, y.rank());
  expect_known(Shape{y.shape()[axis]}, "trapezoid: the axis");
  y = to_floating(y);
  return area(y, scalar(dx, y.dtype()), axis);
}

Value trapezoid(Value y, Value x, int axis) {
  axis = normalize_axis("trapezoid", axis, y.rank());
  expect_known(Shape{y.shape()[axis]}, "trapezoid: the axis");
  if (x.rank() == 1 && y.rank() > 1) {
    Shape shape(std::vector<std::int64_t>(static_cast<std::size_t>(y.rank()), 1));
    shape[axis] = x.shape()[0];
    x = reshape(x, shape);
  }
  return area(to_floating(y), diff(x, 1, axis), axis);
}

Value vander(Value x, std::int64_t columns, bool increasing) {
  if (x.rank() != 1) throw InvalidArgument("vander: x must have one axis, got shape " + x.shape().to_string());
  expect_known_sizes("vander", x);
  if (columns == 0) columns = x.shape()[0];
  x = to_floating(x);
  Values powers = {ones_like(x)};
  while (static_cast<std::int64_t>(powers.size()) < columns) powers.push_back(powers.back() * x);
  if (!increasing) std::reverse(powers.begin(), powers.end());
  return stack(powers, 1);
}

}  // namespace keratin::ops
