#include "keratin/core/ops/math.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops {
namespace {

using namespace op_support;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Both in one floating dtype.
void meet_floating(Value& a, Value& b) {
  meet(a, b);
  a = to_floating(a);
  b = to_floating(b);
}

// x, and 1 where x is 0: to divide by it.
Value or_one(const Value& x) { return where(equal(x, 0.0), 1.0, x); }

// f(|x|) with the sign of x, for an odd f. Not by abs and sign: their gradients at 0 are 0.
template <class F>
Value odd(const Value& x, F f) {
  const Value below = less(x, 0.0);
  const Value y = f(where(below, -x, x));
  return where(below, -y, y);
}

double largest(DType dtype) {
  return dtype == DType::float64 ? std::numeric_limits<double>::max() : double{std::numeric_limits<float>::max()};
}

// a / b rounded by `round`, of integers in float64, which holds them exactly.
Value quotient(Value a, Value b, Value (*round)(Value)) {
  meet(a, b);
  if (a.dtype() == DType::boolean) a = cast(a, DType::int32), b = cast(b, DType::int32);
  if (is_floating(a.dtype())) return round(a / b);
  const Value y = round(cast(a, DType::float64) / cast(or_one(b), DType::float64));
  return where(equal(b, 0.0), 0.0, cast(y, a.dtype()));
}

Value rest(Value a, Value b, Value (*round)(Value)) {
  meet(a, b);
  if (a.dtype() == DType::boolean) a = cast(a, DType::int32), b = cast(b, DType::int32);
  const Value left = a - b * quotient(a, b, round);
  return is_floating(a.dtype()) ? left : where(equal(b, 0.0), 0.0, left);
}

}  // namespace

Value tan(Value x) {
  x = to_floating(x);
  return sin(x) / cos(x);
}

Value sinh(Value x) {
  x = to_floating(x);
  return (expm1(x) - expm1(-x)) * 0.5;
}

Value cosh(Value x) {
  x = to_floating(x);
  return (exp(x) + exp(-x)) * 0.5;
}

// The angle whose tangent is x / sqrt(1 - x^2), infinite at 1.
Value arcsin(Value x) {
  x = to_floating(x);
  return arctan(x * rsqrt((1.0 - x) * (x + 1.0)));
}

// tan(y / 2)^2 = (1 - cos y) / (1 + cos y)
Value arccos(Value x) {
  x = to_floating(x);
  return arctan(sqrt((1.0 - x) / (x + 1.0))) * 2.0;
}

Value arctan2(Value y, Value x) {
  meet_floating(y, x);
  // The smaller one is divided by the larger one, so that nothing is infinite.
  const Value steep = greater(abs(y), abs(x)), left = less(x, 0.0), down = less(y, 0.0);
  const Value angle = arctan(where(steep, x, y) / or_one(where(steep, y, x)));
  const auto number = [&](double n) { return scalar(n, angle.dtype()); };
  const double pi = std::numbers::pi;
  const Value flat = angle + where(left, where(down, number(-pi), number(pi)), 0.0);
  return where(steep, where(down, number(-pi / 2), number(pi / 2)) - angle, flat);
}

// ln(x + sqrt(x^2 + 1)), where what is added to 1 is kept apart; large x would overflow in the square
Value arcsinh(Value x) {
  return odd(to_floating(x), [](const Value& a) {
    const Value large = greater(a, 1e9);
    const Value b = where(large, 1.0, a), square_of = square(b);
    const Value near = log1p(b + square_of / (sqrt(square_of + 1.0) + 1.0));
    return where(large, log(where(large, a, 1.0)) + std::numbers::ln2, near);
  });
}

// ln(x + sqrt(x^2 - 1))
Value arccosh(Value x) {
  const Value above = to_floating(x) - 1.0;
  return log1p(above + sqrt(above) * sqrt(above + 2.0));
}

Value arctanh(Value x) {
  x = to_floating(x);
  return (log1p(x) - log1p(-x)) * 0.5;
}

Value deg2rad(Value x) { return to_floating(x) * (std::numbers::pi / 180); }
Value rad2deg(Value x) { return to_floating(x) * (180 / std::numbers::pi); }
Value log2(Value x) { return log(to_floating(x)) * std::numbers::log2e; }
Value log10(Value x) { return log(to_floating(x)) * std::numbers::log10e; }

// ln(e^a + e^b) = max(a, b) + ln(1 + e^-|a - b|); equal infinities have no difference
Value logaddexp(Value a, Value b) {
  meet_floating(a, b);
  const Value apart = where(equal(a, b), 0.0, a - b);
  return maximum(a, b) + log1p(exp(-abs(apart)));
}

Value logaddexp2(Value a, Value b) {
  meet_floating(a, b);
  return logaddexp(a * std::numbers::ln2, b * std::numbers::ln2) * std::numbers::log2e;
}

Value exp2(Value x) { return power(2.0, to_floating(x)); }

Value ldexp(Value x, Value exponent) {
  x = to_floating(x);
  return x * exp2(cast(exponent, x.dtype()));
}

Value cbrt(Value x) {
  return odd(to_floating(x), [](const Value& a) { return power(a, 1.0 / 3); });
}

Value hypot(Value a, Value b) {
  meet_floating(a, b);
  // A factor that the result does not depend on, so that no gradient flows through it.
  const Value longer = stop_gradient(maximum(abs(a), abs(b)));
  const Value scale = where(logical_and(greater(longer, 0.0), isfinite(longer)), longer, 1.0);
  return scale * sqrt(square(a / scale) + square(b / scale));
}

Value sinc(Value x) {
  x = to_floating(x);
  const Value zero = equal(x, 0.0), angle = where(zero, 1.0, x) * std::numbers::pi;
  return where(zero, 1.0, sin(angle) / angle);
}

Value erfc(Value x) { return 1.0 - erf(to_floating(x)); }

Value fabs(Value x) { return abs(to_floating(x)); }

Value trunc(Value x) { return is_floating(x.dtype()) ? where(less(x, 0.0), ceil(x), floor(x)) : x; }

Value floor_divide(Value a, Value b) { return quotient(a, b, floor); }
Value mod(Value a, Value b) { return rest(a, b, floor); }
Value fmod(Value a, Value b) { return rest(a, b, trunc); }

Value divide_no_nan(Value a, Value b) {
  meet_floating(a, b);
  return where(equal(b, 0.0), 0.0, a / or_one(b));
}

Value fmax(Value a, Value b) {
  meet_floating(a, b);
  return where(isnan(a), b, where(isnan(b), a, maximum(a, b)));
}

Value fmin(Value a, Value b) {
  meet_floating(a, b);
  return where(isnan(a), b, where(isnan(b), a, minimum(a, b)));
}

Value heaviside(Value x, Value at_zero) {
  meet_floating(x, at_zero);
  // What is left is NaN.
  const Value step = where(less(x, 0.0), 0.0, where(greater(x, 0.0), 1.0, stop_gradient(x)));
  return where(equal(x, 0.0), at_zero, step);
}

// 1 / -0 is -infinity.
Value signbit(Value x) {
  if (!is_floating(x.dtype())) return less(x, 0.0);
  return logical_or(less(x, 0.0), logical_and(equal(x, 0.0), less(reciprocal(x), 0.0)));
}

Value isinf(Value x) { return equal(abs(to_floating(x)), kInfinity); }
Value isposinf(Value x) { return equal(to_floating(x), kInfinity); }
Value isneginf(Value x) { return equal(to_floating(x), -kInfinity); }

Value isclose(Value a, Value b, double rtol, double atol, bool equal_nan) {
  meet_floating(a, b);
  const Value near = logical_and(isfinite(b), less_equal(abs(a - b), abs(b) * rtol + atol));
  const Value close = logical_or(near, equal(a, b));
  return equal_nan ? logical_or(close, logical_and(isnan(a), isnan(b))) : close;
}

Value logical_xor(Value a, Value b) { return not_equal(cast(a, DType::boolean), cast(b, DType::boolean)); }

Value nan_to_num(Value x, double nan, double posinf, double neginf) {
  if (!is_floating(x.dtype())) return x;
  const double most = largest(x.dtype());
  const auto number = [&](double given) { return std::isfinite(given) ? std::clamp(given, -most, most) : given; };
  const Value bounded = where(isposinf(x), number(posinf), where(isneginf(x), number(neginf), x));
  return where(isnan(x), number(nan), bounded);
}

Value saturate_cast(Value x, DType dtype) {
  const DType from = x.dtype();
  if (from == dtype || from == DType::boolean || dtype == DType::boolean) return cast(x, dtype);
  if (is_floating(dtype)) {
    return from == DType::float64 ? cast(clip(x, -largest(dtype), largest(dtype)), dtype) : cast(x, dtype);
  }
  if (from == DType::uint8 || (from == DType::int32 && dtype == DType::int64)) return cast(x, dtype);
  // The range of `dtype`, by numbers that `from` has: 2^31 - 1 would be rounded up to 2^31 in float32.
  double low = 0, high = 255;
  if (dtype != DType::uint8) {
    const bool wide = dtype == DType::int64;
    low = wide ? -0x1p63 : -0x1p31;
    if (from == DType::float32) {
      high = wide ? 0x1.fffffep62 : 0x1.fffffep30;
    } else {
      high = wide ? 0x1.fffffffffffffp62 : 0x1.fffffffcp30;
    }
  }
  if (is_floating(from)) x = where(isnan(x), 0.0, x);
  return cast(clip(x, low, high), dtype);
}

}  // namespace keratin::ops
