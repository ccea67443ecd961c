#include "keratin/core/ops/reduce.h"

#include <algorithm>
#include <numeric>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/walks.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;
using Dy = std::span<const Value>;

std::string describe_reduce(const std::any& attrs) {
  const auto& a = as<ReduceAttrs>(attrs);
  return text_of(a.axes) + (a.keepdims ? ", keepdims" : "");
}

std::int64_t reduced_count(const Shape& shape, const std::vector<int>& axes) {
  std::int64_t count = 1;
  for (int axis : axes) count *= shape[axis];
  return count;
}

std::vector<Spec> infer_number(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  expect_number(inputs[0]);
  const auto& a = as<ReduceAttrs>(attrs);
  for (std::size_t i = 0; i < a.axes.size(); ++i) {
    const int axis = a.axes[i];
    if (axis < 0 || axis >= inputs[0].shape.rank() || (i > 0 && axis <= a.axes[i - 1])) {
      throw InvalidArgument("the axes " + text_of(a.axes) + " must be ascending and within the shape " +
                            inputs[0].shape.to_string());
    }
  }
  return {{reduced_shape(inputs[0].shape, a.axes, a.keepdims), inputs[0].dtype}};
}
std::vector<Spec> infer_floating(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  expect_floating(inputs[0]);
  return infer_number(attrs, inputs);
}
std::vector<Spec> infer_extremum(const std::any& attrs, std::span<const Spec> inputs) {
  auto result = infer_number(attrs, inputs);
  if (reduced_count(inputs[0].shape, as<ReduceAttrs>(attrs).axes) == 0) {
    throw InvalidArgument("the axes " + text_of(as<ReduceAttrs>(attrs).axes) + " of shape " +
                          inputs[0].shape.to_string() + " have no elements");
  }
  return result;
}

// `value`, shaped like the result, with the reduced axes kept as size 1.
Value keep_axes(const Node& node, const Value& value) {
  return ops::reshape(value, reduced_shape(node.input(0).shape(), node.attrs_as<ReduceAttrs>().axes, true));
}

// y = sum_i x_i  =>  dy/dx_i = 1
Values sum_gradient(const Node& node, Dy dy) {
  return {ops::broadcast_to(keep_axes(node, dy[0]), node.input(0).shape())};
}

double mean_factor(const Node& node) {
  const std::int64_t count = reduced_count(node.input(0).shape(), node.attrs_as<ReduceAttrs>().axes);
  return 1.0 / static_cast<double>(count);
}

// y = 1/n sum_i x_i  =>  dy/dx_i = 1/n
Values mean_gradient(const Node& node, Dy dy) {
  return {ops::broadcast_to(keep_axes(node, dy[0] * mean_factor(node)), node.input(0).shape())};
}

Values decompose_mean(const Node& node, std::span<const Value> inputs) {
  return {apply1(kSum, node.attrs(), {inputs[0]}) * mean_factor(node)};
}

// y = max_i x_i, attained c times  =>  dy/dx_i = 1/c where x_i = y, 0 elsewhere
Values extremum_gradient(const Node& node, Dy dy) {
  const Value& x = node.input(0);
  const Value attained = ops::cast(ops::equal(x, keep_axes(node, node.output())), dy[0].dtype());
  const Value count = ops::sum(attained, node.attrs_as<ReduceAttrs>().axes, true);
  return {attained * (keep_axes(node, dy[0]) / count)};
}

// y = prod_i x_i  =>  dy/dx_i = the product of the others: y/x_i; with one zero it is not 0 only there, with more
// nowhere
Values prod_gradient(const Node& node, Dy dy) {
  const Value& x = node.input(0);
  const auto& axes = node.attrs_as<ReduceAttrs>().axes;
  const Value zero = ops::equal(x, 0.0);
  const Value others = ops::where(zero, 1.0, x);
  const Value product = ops::prod(others, axes, true);
  const Value zeros = ops::sum(zero, axes, true);
  const Value at_zero = ops::where(ops::equal(zeros, 1.0), product, 0.0);
  const Value elsewhere = ops::where(ops::equal(zeros, 0.0), product, 0.0) / others;
  return {keep_axes(node, dy[0]) * ops::where(zero, at_zero, elsewhere)};
}

constexpr OpDef reduction(std::string_view name, std::vector<Spec> (*infer)(const std::any&, std::span<const Spec>),
                          Values (*gradient)(const Node&, Dy)) {
  return {.name = name, .describe = describe_reduce, .infer = infer, .gradient = gradient};
}

std::string describe_argmax(const std::any& attrs) { return std::to_string(as<ArgMaxAttrs>(attrs).axis); }

std::vector<Spec> infer_argmax(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  expect_number(inputs[0]);
  const Shape& shape = inputs[0].shape;
  const int axis = shape.normalize_axis(as<ArgMaxAttrs>(attrs).axis);
  if (shape[axis] == 0) {
    throw InvalidArgument("axis " + std::to_string(axis) + " of shape " + shape.to_string() + " has no elements");
  }
  return {{reduced_shape(shape, {axis}, false), DType::int32}};
}

std::vector<int> normalize_axes(const OpDef& op, const Shape& shape, std::vector<int> axes) {
  if (axes.empty()) {
    axes.resize(static_cast<std::size_t>(shape.rank()));
    std::iota(axes.begin(), axes.end(), 0);
    return axes;
  }
  try {
    for (int& axis : axes) axis = shape.normalize_axis(axis);
  } catch (const Error& error) {
    error.rethrow_in(op.name);
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) {
    throw InvalidArgument(std::string(op.name) + ": an axis is named twice in " + text_of(axes));
  }
  return axes;
}

Value reduce(const OpDef& op, const Value& x, std::vector<int> axes, bool keepdims) {
  axes = normalize_axes(op, x.shape(), std::move(axes));
  return apply1(op, ReduceAttrs{std::move(axes), keepdims}, {x});
}

// Sums of many small numbers need room.
Value widen(const Value& x) {
  return x.dtype() == DType::boolean || x.dtype() == DType::uint8 ? ops::cast(x, DType::int32) : x;
}

}  // namespace

constinit const OpDef kSum = reduction("sum", infer_number, sum_gradient);
constinit const OpDef kMean = {.name = "mean",
                               .describe = describe_reduce,
                               .infer = infer_floating,
                               .gradient = mean_gradient,
                               .decompose = decompose_mean};
constinit const OpDef kMax = reduction("max", infer_extremum, extremum_gradient);
constinit const OpDef kMin = reduction("min", infer_extremum, extremum_gradient);
constinit const OpDef kProd = reduction("prod", infer_number, prod_gradient);
constinit const OpDef kArgMax = {.name = "argmax", .describe = describe_argmax, .infer = infer_argmax};

namespace ops {

Value sum(Value x, std::vector<int> axes, bool keepdims) { return reduce(kSum, widen(x), std::move(axes), keepdims); }
Value mean(Value x, std::vector<int> axes, bool keepdims) {
  return reduce(kMean, to_floating(x), std::move(axes), keepdims);
}
Value max(Value x, std::vector<int> axes, bool keepdims) { return reduce(kMax, x, std::move(axes), keepdims); }
Value min(Value x, std::vector<int> axes, bool keepdims) { return reduce(kMin, x, std::move(axes), keepdims); }
Value prod(Value x, std::vector<int> axes, bool keepdims) { return reduce(kProd, widen(x), std::move(axes), keepdims); }

Value variance(Value x, std::vector<int> axes, bool keepdims) {
  x = to_floating(x);
  return mean(square(x - mean(x, axes, true)), axes, keepdims);
}

Value logsumexp(Value x, std::vector<int> axes, bool keepdims) {
  x = to_floating(x);
  axes = normalize_axes(kMax, x.shape(), std::move(axes));
  if (axes.empty()) return x;  // a scalar
  // The largest element is taken out against overflow; the result, and so its gradient, does not depend on it.
  // An infinite one would give inf - inf.
  const Value largest = stop_gradient(max(x, axes, true));
  const Value shift = where(isfinite(largest), largest, 0.0);
  const Value result = log(sum(exp(x - shift), axes, true)) + shift;
  return keepdims ? result : drop_axes(result, axes);
}

Value argmax(Value x, int axis) {
  return apply1(kArgMax, ArgMaxAttrs{normalize_axes(kArgMax, x.shape(), {axis}).front()}, {widen(x)});
}

Value sum_to(Value x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const int extra = x.rank() - shape.rank();
  std::vector<int> axes;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (axis < extra || (shape[axis - extra] == 1 && x.shape()[axis] != 1)) axes.push_back(axis);
  }
  if (axes.empty()) {
    throw InvalidArgument("sum_to: " + shape.to_string() + " does not broadcast to " + x.shape().to_string());
  }
  return reshape(sum(x, axes), shape);
}

}  // namespace ops

}  // namespace keratin
