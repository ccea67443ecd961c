#include "keratin/core/ops/sorting.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "keratin/core/ops/arrange.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/pick.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/scan.h"
#include "keratin/core/ops/scatter.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/statistics.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;

std::vector<Spec> infer_argsort(const std::any&, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  expect_number(inputs[0]);
  if (inputs[0].shape.rank() == 0) throw InvalidArgument("a scalar has no axis to sort");
  if (inputs[0].shape[-1] > std::numeric_limits<std::int32_t>::max()) {
    throw InvalidArgument("the last axis of " + inputs[0].shape.to_string() + " has more than 2^31 elements");
  }
  return {{inputs[0].shape, DType::int32}};
}

std::string describe_cumsum(const std::any& attrs) {
  const auto& a = as<CumsumAttrs>(attrs);
  return std::to_string(a.axis) + (a.reverse ? ", reverse" : "");
}

std::vector<Spec> infer_cumsum(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  expect_number(inputs[0]);
  inputs[0].shape.normalize_axis(as<CumsumAttrs>(attrs).axis);
  return {inputs[0]};
}

// y_i = sum of x_j over j <= i  =>  dx_j = sum of dy_i over i >= j
Values cumsum_gradient(const Node& node, std::span<const Value> dy) {
  CumsumAttrs attrs = node.attrs_as<CumsumAttrs>();
  attrs.reverse = !attrs.reverse;
  return {apply1(kCumsum, attrs, {dy[0]})};
}

Value widen(const Value& x) {
  return x.dtype() == DType::boolean || x.dtype() == DType::uint8 ? ops::cast(x, DType::int32) : x;
}

// Numbers in the opposite order; in integers -1 - x has no number that it cannot turn.
Value turned(const Value& x) { return is_floating(x.dtype()) ? -x : -1.0 - x; }

}  // namespace

constinit const OpDef kArgsort = {.name = "argsort", .describe = describe_nothing, .infer = infer_argsort};
constinit const OpDef kCumsum = {
    .name = "cumsum", .describe = describe_cumsum, .infer = infer_cumsum, .gradient = cumsum_gradient};

namespace ops {
namespace {

// The axes joined as the last one.
struct Rows {
  Value x;
  Shape kept;  // the result's shape with keepdims
};

Rows rows_of(std::string_view op, Value x, std::vector<int> axes) {
  x = to_floating(x);
  expect_known_sizes(op, x);
  Shape kept = x.shape();
  if (axes.empty()) {
    for (int axis = 0; axis < x.rank(); ++axis) axes.push_back(axis);
  }
  std::vector<int> last;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    axes[i] = normalize_axis(op, axes[i], x.rank());
    kept[axes[i]] = 1;
    last.push_back(x.rank() - static_cast<int>(axes.size() - i));
  }
  if (!axes.empty()) x = moveaxis(x, axes, last);
  Shape shape = x.shape().slice(0, x.rank() - static_cast<int>(axes.size()));
  if (kept.size() == 0 || x.shape().size() == 0) {
    throw InvalidArgument(std::string(op) + ": there are no elements in shape " + x.shape().to_string());
  }
  shape.push_back(x.shape().size() / shape.size());
  return {reshape(x, shape), kept};
}

// Rows' results in the shape asked for.
Value shaped(const Value& y, const Rows& rows, bool keepdims) {
  return reshape(y, keepdims ? rows.kept : rows.x.shape().slice(0, rows.x.rank() - 1));
}

void expect_part(std::string_view op, double q) {
  if (q >= 0 && q <= 1) return;
  throw InvalidArgument(std::string(op) + ": q must lie between 0 and 1, got " + format_number(q));
}

// Element i of the rows, each as an axis of size 1.
Value column(const Value& x, double i) {
  std::vector<std::int64_t> begin(static_cast<std::size_t>(x.rank()), 0), size(begin.size(), -1);
  begin.back() = static_cast<std::int64_t>(i);
  size.back() = 1;
  return slice(x, begin, size);
}

Value without_nan(const Value& x, double number) { return is_floating(x.dtype()) ? where(isnan(x), number, x) : x; }

}  // namespace

Value argsort(Value x, int axis) {
  axis = normalize_axis("argsort", axis, x.rank());
  return swapaxes(apply1(kArgsort, {}, {swapaxes(widen(x), axis, -1)}), axis, -1);
}

Value sort(Value x, int axis) { return take_along_axis(x, argsort(x, axis), axis); }

Values top_k(Value x, std::int64_t k) {
  if (x.rank() == 0 || k < 1 || k > x.shape()[-1]) {
    throw InvalidArgument("top_k: k must be from 1 to the size of the last axis, got " + std::to_string(k) +
                          " for shape " + x.shape().to_string());
  }
  std::vector<std::int64_t> begin(static_cast<std::size_t>(x.rank()), 0), size(begin.size(), -1);
  size.back() = k;
  const Value indices = slice(argsort(turned(widen(x))), begin, size);
  return {take_along_axis(x, indices, -1), indices};
}

Value in_top_k(Value targets, Value predictions, std::int64_t k) {
  if (predictions.rank() != 2 || targets.rank() != 1) {
    throw InvalidArgument("in_top_k: expected targets (n) and predictions (n, classes), got shapes " +
                          targets.shape().to_string() + " and " + predictions.shape().to_string());
  }
  const Value chosen = take_along_axis(predictions, expand_dims(targets, 1), 1);
  return less(sum(greater(predictions, chosen), {1}), static_cast<double>(k));
}

Value quantile(Value x, double q, std::vector<int> axes, bool keepdims, const std::string& method) {
  expect_part("quantile", q);
  const Rows rows = rows_of("quantile", x, std::move(axes));
  const Value sorted = sort(rows.x);
  const double at = q * static_cast<double>(rows.x.shape()[-1] - 1), below = std::floor(at), above = std::ceil(at);
  Value y;
  if (method == "linear" || method == "midpoint") {
    const double share = method == "midpoint" ? 0.5 : at - below;
    y = above == below ? column(sorted, below) : column(sorted, below) * (1 - share) + column(sorted, above) * share;
  } else if (method == "lower" || method == "higher" || method == "nearest") {
    y = column(sorted, method == "lower" ? below : method == "higher" ? above : std::nearbyint(at));
  } else {
    throw InvalidArgument("quantile: unknown method '" + method + "'" +
                          did_you_mean(method, {"linear", "lower", "higher", "midpoint", "nearest"}));
  }
  const double nan = std::numeric_limits<double>::quiet_NaN();
  return shaped(where(isnan(column(sorted, static_cast<double>(rows.x.shape()[-1] - 1))), nan, y), rows, keepdims);
}

Value percentile(Value x, double q, std::vector<int> axes, bool keepdims, const std::string& method) {
  return quantile(x, q / 100, std::move(axes), keepdims, method);
}
Value median(Value x, std::vector<int> axes, bool keepdims) { return quantile(x, 0.5, std::move(axes), keepdims); }

Value nanquantile(Value x, double q, std::vector<int> axes, bool keepdims) {
  expect_part("nanquantile", q);
  const Rows rows = rows_of("nanquantile", x, std::move(axes));
  const Value sorted = sort(rows.x);  // NaN at the end
  const Value count = sum(cast(logical_not(isnan(sorted)), sorted.dtype()), {-1}, true);
  const Value at = maximum(count - 1.0, 0.0) * q, below = floor(at), share = at - below;
  const Value low = take_along_axis(sorted, cast(below, DType::int32), -1);
  const Value high = take_along_axis(sorted, cast(ceil(at), DType::int32), -1);
  return shaped(low * (1.0 - share) + high * share, rows, keepdims);
}
Value nanpercentile(Value x, double q, std::vector<int> axes, bool keepdims) {
  return nanquantile(x, q / 100, std::move(axes), keepdims);
}
Value nanmedian(Value x, std::vector<int> axes, bool keepdims) {
  return nanquantile(x, 0.5, std::move(axes), keepdims);
}

Value searchsorted(Value sorted, Value values, const std::string& side) {
  if (side != "left" && side != "right") {
    throw InvalidArgument("searchsorted: side must be 'left' or 'right', got '" + side + "'");
  }
  if (sorted.rank() != 1) {
    throw InvalidArgument("searchsorted: the sorted numbers must have one axis, got shape " +
                          sorted.shape().to_string());
  }
  const Value each = expand_dims(values, -1);
  return sum(side == "left" ? less(sorted, each) : less_equal(sorted, each), {-1});
}

Value digitize(Value x, Value bins) { return searchsorted(bins, x, "right"); }

Value isin(Value x, Value elements, bool invert) {
  const Value found = any(equal(expand_dims(x, -1), ravel(elements)), {-1});
  return invert ? logical_not(found) : found;
}

Value cumsum(Value x) { return cumsum(ravel(x), 0); }
Value cumsum(Value x, int axis) {
  return apply1(kCumsum, CumsumAttrs{normalize_axis("cumsum", axis, x.rank())}, {widen(x)});
}

Value cumprod(Value x) { return cumprod(ravel(x), 0); }
Value cumprod(Value x, int axis) {
  axis = normalize_axis("cumprod", axis, x.rank());
  expect_known_sizes("cumprod", x);
  x = widen(x);
  if (x.shape()[axis] == 0) return x;
  const Value first = moveaxis(x, {axis}, {0});
  const Value one = broadcast_to(scalar(1, x.dtype()), first.shape().slice(1, first.rank()));
  const ScanResult result = scan(
      [](const Values& in, const Values& carry) -> ScanStep {
        const Value product = carry[0] * in[0];
        return {.carries = {product}, .outputs = {product}};
      },
      {first}, {one});
  return moveaxis(result.outputs[0], {0}, {axis});
}

Value nancumsum(Value x, int axis) { return cumsum(without_nan(x, 0), axis); }
Value nancumprod(Value x, int axis) { return cumprod(without_nan(x, 1), axis); }

}  // namespace ops
}  // namespace keratin
