#include "keratin/core/ops/activations.h"

#include <numbers>

#include "keratin/core/ops/detail/op_support.h"

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

}  // namespace keratin::ops
