// More functions of numbers, element by element: trigonometric and hyperbolic ones, logarithms, division, tests. All
// are compositions with the gradients of the functions. Integers count as float32 where the result is floating.
#pragma once

#include "keratin/core/graph/node.h"

namespace keratin::ops {

Value tan(Value x);
Value sinh(Value x);
Value cosh(Value x);
Value arcsin(Value x);
Value arccos(Value x);
// The angle of the point (x, y), from -pi to pi; 0 for (0, 0).
Value arctan2(Value y, Value x);
Value arcsinh(Value x);
Value arccosh(Value x);
Value arctanh(Value x);
Value deg2rad(Value x);
Value rad2deg(Value x);

Value log2(Value x);
Value log10(Value x);
Value logaddexp(Value a, Value b);   // ln(e^a + e^b), without overflow
Value logaddexp2(Value a, Value b);  // log2(2^a + 2^b), likewise
Value exp2(Value x);
Value ldexp(Value x, Value exponent);  // x * 2^exponent
Value cbrt(Value x);
Value hypot(Value a, Value b);  // sqrt(a^2 + b^2), without overflow
Value sinc(Value x);            // sin(pi x) / (pi x), 1 at 0
Value erfc(Value x);            // 1 - erf(x), to float32's precision near 1

Value fabs(Value x);
Value trunc(Value x);  // towards 0
// Rounded down, and what is left: a = b * floor_divide(a, b) + mod(a, b), so that mod has the sign of b. Of integers
// they are integers (exact up to 2^53), and dividing them by 0 gives 0.
Value floor_divide(Value a, Value b);
Value mod(Value a, Value b);
Value fmod(Value a, Value b);           // what is left after trunc(a / b): it has the sign of a
Value divide_no_nan(Value a, Value b);  // 0 where b is 0
Value fmax(Value a, Value b);           // the larger one, or the one that is not NaN
Value fmin(Value a, Value b);
Value heaviside(Value x, Value at_zero);  // 0 below 0, 1 above

Value signbit(Value x);  // bool: x < 0 or -0
Value isinf(Value x);
Value isposinf(Value x);
Value isneginf(Value x);
// |a - b| <= atol + rtol * |b|, or both the same infinity, or with equal_nan both NaN.
Value isclose(Value a, Value b, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false);
Value logical_xor(Value a, Value b);
// Numbers in place of NaN and of the infinities; what x's dtype cannot hold is its largest number.
Value nan_to_num(Value x, double nan = 0, double posinf = 1.7976931348623157e308,
                 double neginf = -1.7976931348623157e308);
// As cast, but numbers outside of the dtype's range become the nearest one within. NaN becomes 0 in integers.
Value saturate_cast(Value x, DType dtype);

}  // namespace keratin::ops
