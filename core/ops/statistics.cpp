#include "keratin/core/ops/statistics.h"

#include <cmath>
#include <limits>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/math.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops {
namespace {

using namespace op_support;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Value truth(const Value& x) { return cast(x, DType::boolean); }

// x with `number` in place of NaN.
Value without_nan(const Value& x, double number) { return is_floating(x.dtype()) ? where(isnan(x), number, x) : x; }

// How many elements are no NaN, in x's dtype.
Value count_numbers(const Value& x, const std::vector<int>& axes, bool keepdims) {
  return sum(cast(logical_not(isnan(x)), x.dtype()), axes, keepdims);
}

Value without_nan_extremum(const Value& x, double least, Value (*extremum)(Value, std::vector<int>, bool),
                           const std::vector<int>& axes, bool keepdims) {
  if (!is_floating(x.dtype())) return extremum(x, axes, keepdims);
  return where(all(isnan(x), axes, keepdims), kNan, extremum(without_nan(x, least), axes, keepdims));
}

Value without_nan_position(const Value& x, double least, Value (*position)(Value, int), int axis) {
  if (!is_floating(x.dtype())) return position(x, axis);
  return where(all(isnan(x), {axis}), -1.0, position(without_nan(x, least), axis));
}

Value vector_norm(const Value& x, double order, const std::vector<int>& axes, bool keepdims) {
  if (order == 2) return sqrt(sum(square(x), axes, keepdims));
  if (order == 0) return sum(cast(not_equal(x, 0.0), x.dtype()), axes, keepdims);
  const Value size = abs(x);
  if (order == kInfinity) return max(size, axes, keepdims);
  if (order == -kInfinity) return min(size, axes, keepdims);
  if (order == 1) return sum(size, axes, keepdims);
  return power(sum(power(size, order), axes, keepdims), 1 / order);
}

// Sums over one axis, of which the largest or the smallest counts.
Value matrix_norm(const Value& x, double order, int row, int column, bool keepdims) {
  if (order == 2) return sqrt(sum(square(x), {row, column}, keepdims));
  if (std::abs(order) != 1 && std::abs(order) != kInfinity) {
    throw InvalidArgument("norm: order " + format_number(order) +
                          " is not there for matrices; take 2 (Frobenius's), 1, -1, infinity or -infinity");
  }
  const Value sums = sum(abs(x), {std::abs(order) == 1 ? row : column}, true);
  return order > 0 ? max(sums, {row, column}, keepdims) : min(sums, {row, column}, keepdims);
}

}  // namespace

Value all(Value x, std::vector<int> axes, bool keepdims) {
  return equal(sum(logical_not(truth(x)), std::move(axes), keepdims), 0.0);
}
Value any(Value x, std::vector<int> axes, bool keepdims) {
  return not_equal(sum(truth(x), std::move(axes), keepdims), 0.0);
}
Value count_nonzero(Value x, std::vector<int> axes) { return sum(truth(x), std::move(axes)); }

Value allclose(Value a, Value b, double rtol, double atol, bool equal_nan) {
  return all(isclose(a, b, rtol, atol, equal_nan));
}

// -1 - x has no number that it cannot turn, in integers.
Value argmin(Value x, int axis) {
  if (is_floating(x.dtype())) return argmax(-x, axis);
  if (x.dtype() != DType::int64) x = cast(x, DType::int32);
  return argmax(-1.0 - x, axis);
}

Value ptp(Value x, std::vector<int> axes, bool keepdims) { return max(x, axes, keepdims) - min(x, axes, keepdims); }

Value standard_deviation(Value x, std::vector<int> axes, bool keepdims) {
  return sqrt(variance(x, std::move(axes), keepdims));
}

Values moments(Value x, std::vector<int> axes, bool keepdims) {
  return {mean(x, axes, keepdims), variance(x, axes, keepdims)};
}

Value average(Value x, std::vector<int> axes, Value weights) {
  if (!weights) return mean(x, std::move(axes));
  if (weights.shape() != x.shape()) {
    if (weights.rank() != 1 || axes.size() != 1) {
      throw InvalidArgument("average: weights must have the shape of x, " + x.shape().to_string() +
                            ", or one axis with one axis named in axes, got " + weights.shape().to_string());
    }
    Shape shape(std::vector<std::int64_t>(static_cast<std::size_t>(x.rank()), 1));
    shape[axes[0]] = weights.shape()[0];
    weights = reshape(weights, shape);
  }
  meet(x, weights);
  x = to_floating(x);
  weights = to_floating(weights);
  return sum(x * weights, axes) / sum(weights + zeros_like(x), axes);
}

Value corrcoef(Value x) {
  if (x.rank() != 2) throw InvalidArgument("corrcoef: x must be a matrix, got shape " + x.shape().to_string());
  x = to_floating(x);
  const Value centered = x - mean(x, {1}, true);
  const Value unit = centered * rsqrt(sum(square(centered), {1}, true));
  return matmul(unit, unit, {.transpose_b = true});
}

Value norm(Value x, double order, std::vector<int> axes, bool keepdims) {
  x = to_floating(x);
  if (axes.size() < 2) return vector_norm(x, order, axes, keepdims);
  if (axes.size() > 2) {
    throw InvalidArgument("norm: expected one axis, the two of matrices or none, got " + text_of(axes));
  }
  return matrix_norm(x, order, axes[0], axes[1], keepdims);
}

Value normalize(Value x, int axis, int order, double epsilon) {
  if (order < 1) throw InvalidArgument("normalize: order must be at least 1, got " + std::to_string(order));
  x = to_floating(x);
  if (order == 2) return x * rsqrt(maximum(sum(square(x), {axis}, true), epsilon * epsilon));
  return x / maximum(vector_norm(x, order, {axis}, true), epsilon);
}

Value nansum(Value x, std::vector<int> axes, bool keepdims) {
  return sum(without_nan(x, 0), std::move(axes), keepdims);
}
Value nanprod(Value x, std::vector<int> axes, bool keepdims) {
  return prod(without_nan(x, 1), std::move(axes), keepdims);
}
Value nanmean(Value x, std::vector<int> axes, bool keepdims) {
  x = to_floating(x);
  return nansum(x, axes, keepdims) / count_numbers(x, axes, keepdims);
}
Value nanvar(Value x, std::vector<int> axes, bool keepdims) {
  x = to_floating(x);
  const Value centered = without_nan(x - nanmean(x, axes, true), 0);
  return sum(square(centered), axes, keepdims) / count_numbers(x, axes, keepdims);
}
Value nanstd(Value x, std::vector<int> axes, bool keepdims) { return sqrt(nanvar(x, std::move(axes), keepdims)); }
Value nanmax(Value x, std::vector<int> axes, bool keepdims) {
  return without_nan_extremum(x, -kInfinity, max, axes, keepdims);
}
Value nanmin(Value x, std::vector<int> axes, bool keepdims) {
  return without_nan_extremum(x, kInfinity, min, axes, keepdims);
}
Value nanargmax(Value x, int axis) { return without_nan_position(x, -kInfinity, argmax, axis); }
Value nanargmin(Value x, int axis) { return without_nan_position(x, kInfinity, argmin, axis); }

Value psnr(Value a, Value b, double max_value) {
  meet(a, b);
  return 20 * std::log10(max_value) - log10(mean(square(to_floating(a) - to_floating(b)))) * 10.0;
}

}  // namespace keratin::ops
