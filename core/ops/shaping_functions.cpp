// The functions of core/ops/shaping.h.
#include <algorithm>
#include <numeric>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops {
namespace {

using namespace op_support;

// `axis` of a shape with `rank` axes, counted from the end when negative.
int normalize(std::string_view op, int axis, int rank) {
  const int result = axis < 0 ? axis + rank : axis;
  if (result < 0 || result >= rank) {
    throw InvalidArgument(std::string(op) + ": axis " + std::to_string(axis) + " is out of range for rank " +
                          std::to_string(rank));
  }
  return result;
}

}  // namespace

Value reshape(Value x, Shape shape) {
  if (shape == x.shape() && shape.is_known()) return x;
  return apply1(kReshape, ReshapeAttrs{std::move(shape)}, {x});
}

Value transpose(Value x, std::vector<int> permutation) {
  for (int& axis : permutation) axis = normalize("transpose", axis, x.rank());
  if (static_cast<int>(permutation.size()) == x.rank() && std::is_sorted(permutation.begin(), permutation.end()) &&
      std::adjacent_find(permutation.begin(), permutation.end()) == permutation.end()) {
    return x;
  }
  return apply1(kTranspose, TransposeAttrs{std::move(permutation)}, {x});
}

Value broadcast_to(Value x, Shape shape) {
  if (shape == x.shape() && shape.is_known()) return x;
  return apply1(kBroadcastTo, BroadcastToAttrs{std::move(shape)}, {x});
}

Value concatenate(Values values, int axis) {
  if (values.empty()) throw InvalidArgument("concatenate: there is nothing to concatenate");
  axis = normalize("concatenate", axis, values.front().rank());
  meet(values);
  return values.size() == 1 ? values.front() : apply1(kConcatenate, ConcatenateAttrs{axis}, values);
}

Value stack(Values values, int axis) {
  if (values.empty()) throw InvalidArgument("stack: there is nothing to stack");
  axis = normalize("stack", axis, values.front().rank() + 1);
  meet(values);
  for (Value& value : values) value = expand_dims(value, axis);
  return concatenate(std::move(values), axis);
}

Value slice(Value x, std::vector<std::int64_t> begin, std::vector<std::int64_t> size) {
  const bool from_start = std::all_of(begin.begin(), begin.end(), [](std::int64_t b) { return b == 0; });
  if (from_start && begin.size() == size.size() && size == x.shape().dims() && x.shape().is_known()) return x;
  return apply1(kSlice, SliceAttrs{std::move(begin), std::move(size)}, {x});
}

Values split(Value x, int parts, int axis) {
  axis = normalize("split", axis, x.rank());
  const std::int64_t whole = x.shape()[axis];
  if (parts < 1 || whole == kUnknown || whole % parts != 0) {
    throw InvalidArgument("split: axis " + std::to_string(axis) + " of shape " + x.shape().to_string() +
                          " cannot be cut into " + std::to_string(parts) + " equal parts");
  }
  std::vector<std::int64_t> begin(static_cast<std::size_t>(x.rank()), 0), size(begin.size(), -1);
  size[static_cast<std::size_t>(axis)] = whole / parts;
  Values result;
  for (int part = 0; part < parts; ++part) {
    begin[static_cast<std::size_t>(axis)] = part * (whole / parts);
    result.push_back(parts == 1 ? x : slice(x, begin, size));
  }
  return result;
}

Value pad(Value x, std::vector<std::int64_t> before, std::vector<std::int64_t> after, double value) {
  const auto nothing = [&](const std::vector<std::int64_t>& sizes) {
    return static_cast<int>(sizes.size()) == x.rank() &&
           std::all_of(sizes.begin(), sizes.end(), [](std::int64_t size) { return size == 0; });
  };
  if (nothing(before) && nothing(after)) return x;
  return apply1(kPad, PadAttrs{std::move(before), std::move(after), value}, {x});
}

Value expand_dims(Value x, int axis) {
  axis = normalize("expand_dims", axis, x.rank() + 1);
  return reshape(x, x.shape().slice(0, axis).concat({1}).concat(x.shape().slice(axis, x.rank())));
}

Value squeeze(Value x, int axis) {
  axis = normalize("squeeze", axis, x.rank());
  if (x.shape()[axis] != 1) {
    throw InvalidArgument("squeeze: axis " + std::to_string(axis) + " of shape " + x.shape().to_string() +
                          " must have size 1");
  }
  return drop_axes(x, {axis});
}

Value flatten(Value x) {
  if (x.rank() == 0) throw InvalidArgument("flatten: a scalar has no first axis to keep");
  const std::int64_t rest = x.shape().slice(1, x.rank()).size();
  return reshape(x, {x.shape()[0], rest});
}

Value repeat(Value x, std::int64_t times, int axis) {
  axis = normalize("repeat", axis, x.rank());
  if (times < 1) throw InvalidArgument("repeat: times must be at least 1, got " + std::to_string(times));
  if (times == 1) return x;
  Value pieces = expand_dims(x, axis + 1);
  if (x.shape().is_known()) {
    Shape shape = pieces.shape();
    shape[axis + 1] = times;
    pieces = broadcast_to(pieces, shape);
  } else {
    pieces = concatenate(Values(static_cast<std::size_t>(times), pieces), axis + 1);
  }
  Shape shape = x.shape();
  if (shape[axis] != kUnknown) shape[axis] *= times;
  return reshape(pieces, shape);
}

Value iota(Shape shape, int axis, DType dtype) {
  axis = normalize("iota", axis, shape.rank());
  return apply1(kIota, IotaAttrs{std::move(shape), axis, dtype}, {});
}

// Nothing is less than itself, NaN neither: a value of x's shape where sizes are not known yet.
Value zeros_like(Value x) {
  return x.shape().is_known() ? broadcast_to(scalar(0, x.dtype()), x.shape()) : cast(less(x, x), x.dtype());
}
Value ones_like(Value x) {
  return x.shape().is_known() ? broadcast_to(scalar(1, x.dtype()), x.shape())
                              : cast(logical_not(less(x, x)), x.dtype());
}

}  // namespace keratin::ops
