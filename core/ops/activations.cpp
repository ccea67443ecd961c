#include "keratin/core/ops/activations.h"

#include <numbers>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops {
namespace {

using op_support::to_floating;

// x where it is positive, else `otherwise` of it. What `otherwise` sees is never positive: an exponential of a large
// number would be infinite, and its gradient, times the 0 of the branch not taken, NaN.
template <class Function>
Value below_zero(const Value& x, Function otherwise) {
  const Value positive = greater(x, 0.0);
  return where(positive, x, otherwise(where(positive, 0.0, x)));
}

}  // namespace

Value relu_general(Value x, double negative_slope, double max_value, double threshold) {
  x = to_floating(x);
  if (negative_slope != 0 && max_value < 0 && threshold == 0) return leaky_relu(x, negative_slope);
  Value y = threshold == 0 ? relu(x) : where(greater(x, threshold), x, 0.0);
  if (max_value >= 0) y = clip(y, 0, max_value);
  if (negative_slope != 0) y = y - relu(threshold - x) * negative_slope;
  return y;
}

Value leaky_relu(Value x, double negative_slope) {
  x = to_floating(x);
  return where(greater_equal(x, 0.0), x, x * negative_slope);
}

Value relu6(Value x) { return clip(to_floating(x), 0, 6); }

Value elu(Value x, double alpha) {
  return below_zero(to_floating(x), [&](const Value& v) { return expm1(v) * alpha; });
}

// With these constants (Klambauer et al., 2017) mean 0 and variance 1 pass through unchanged.
Value selu(Value x) { return elu(x, 1.6732632423543772848170429916717) * 1.0507009873554804934193349852946; }

Value celu(Value x, double alpha) {
  return below_zero(to_floating(x), [&](const Value& v) { return expm1(v / alpha) * alpha; });
}

Value softsign(Value x) {
  x = to_floating(x);
  return x / (abs(x) + 1.0);
}

Value silu(Value x) {
  x = to_floating(x);
  return x * sigmoid(x);
}

Value gelu(Value x, bool approximate) {
  x = to_floating(x);
  const double root_half = 1 / std::numbers::sqrt2;
  const Value share = approximate ? tanh((x + x * square(x) * 0.044715) * (2 * root_half * std::numbers::inv_sqrtpi))
                                  : erf(x * root_half);
  return x * 0.5 * (share + 1.0);
}

Value hard_tanh(Value x) { return clip(to_floating(x), -1, 1); }
Value hard_sigmoid(Value x) { return relu6(to_floating(x) + 3.0) * (1.0 / 6); }

Value hard_silu(Value x) {
  x = to_floating(x);
  return x * hard_sigmoid(x);
}

Value mish(Value x) {
  x = to_floating(x);
  return x * tanh(softplus(x));
}

Value log_sigmoid(Value x) { return -softplus(-to_floating(x)); }

Value glu(Value x, int axis) {
  x = to_floating(x);
  const std::int64_t size = x.shape()[x.shape().normalize_axis(axis)];
  if (size % 2 != 0) {
    throw InvalidArgument("glu: expected an even size on axis " + std::to_string(axis) + ", got an input of shape " +
                          x.shape().to_string());
  }
  const Values halves = split(x, 2, axis);
  return halves[0] * sigmoid(halves[1]);
}

Value squareplus(Value x, double b) {
  x = to_floating(x);
  return (x + sqrt(square(x) + b)) * 0.5;
}

Value tanh_shrink(Value x) {
  x = to_floating(x);
  return x - tanh(x);
}

Value hard_shrink(Value x, double threshold) {
  x = to_floating(x);
  return where(greater(abs(x), threshold), x, 0.0);
}

Value soft_shrink(Value x, double threshold) {
  x = to_floating(x);
  return relu(x - threshold) - relu(-x - threshold);
}

Value threshold(Value x, double threshold, double default_value) {
  x = to_floating(x);
  return where(greater(x, threshold), x, default_value);
}

Value sparse_plus(Value x) {
  x = to_floating(x);
  return where(greater_equal(x, 1.0), x, square(relu(clip(x, -1, 1) + 1.0)) * 0.25);
}

Value sparse_sigmoid(Value x) { return (clip(to_floating(x), -1, 1) + 1.0) * 0.5; }

Value sparsemax(Value x, int axis) {
  x = to_floating(x);
  // sum(max(x - t, 0)) falls from at least 1 at t = max(x) - 1 to 0 at max(x): halving that interval finds which
  // elements lie above t, to a float's precision, and with them t follows exactly. (Sorting, the usual way, would be
  // another op for each device.)
  const Value fixed = stop_gradient(x);
  Value low = max(fixed, {axis}, true) - 1.0;
  double step = 1;
  for (int halving = 0; halving < 24; ++halving) {
    step /= 2;
    const Value middle = low + step;
    low = where(greater_equal(sum(relu(fixed - middle), {axis}, true), 1.0), middle, low);
  }
  const Value above = greater(fixed, low);
  const Value count = sum(cast(above, x.dtype()), {axis}, true);
  return relu(x - (sum(where(above, x, 0.0), {axis}, true) - 1.0) / count);
}

}  // namespace keratin::ops
