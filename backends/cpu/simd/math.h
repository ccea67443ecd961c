// Elementary functions written so that the compiler vectorises loops over them; float results are within about 3 units
// in the last place of the exact ones (measured by the tests), with the infinities and NaNs of <cmath>. The float
// coefficients are weighted least-maximum fits. Doubles use the C library.
#pragma once

#include "keratin/backends/cpu/simd/vec.h"

// Elements of a loop do not depend on each other: lets in-place loops vectorise.
#ifdef __clang__
#define KERATIN_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define KERATIN_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace keratin::cpu::KERATIN_ISA::math {

using u32 = std::uint32_t;

KERATIN_INLINE u32 bits(float x) { return __builtin_bit_cast(u32, x); }
KERATIN_INLINE float from_bits(u32 x) { return __builtin_bit_cast(float, x); }
KERATIN_INLINE float abs(float x) { return __builtin_fabsf(x); }
KERATIN_INLINE double abs(double x) { return __builtin_fabs(x); }
KERATIN_INLINE float sqrt(float x) { return __builtin_sqrtf(x); }
KERATIN_INLINE double sqrt(double x) { return __builtin_sqrt(x); }
KERATIN_INLINE float with_sign_of(float x, float sign) { return __builtin_copysignf(x, sign); }

template <class T>
constexpr T kInfinity = static_cast<T>(__builtin_inff());
template <class T>
constexpr T kNaN = static_cast<T>(__builtin_nanf(""));

// Adding it rounds to an integer, whose bits are then the low bits of the sum.
constexpr float kRounder = 12582912.0f;
// log(2) in two parts; the first has few bits, so that its product with a small integer is exact.
constexpr float kLog2High = 0.693145751953125f, kLog2Low = 1.428606765330187045e-6f;

KERATIN_INLINE float two_to(int n) { return from_bits(static_cast<u32>(n + 127) << 23); }

struct ExpParts {
  float p;  // e^r − 1
  int n;    // e^x = 2^n·e^r
};

// x between −104 and 89, or NaN.
KERATIN_INLINE ExpParts exp_parts(float x) {
  const float rounded = madd(x, 1.44269504088896341f, kRounder);
  const float n = rounded - kRounder;
  const float r = madd(n, -kLog2Low, madd(n, -kLog2High, x));
  float q = madd(1.395171725e-03f, r, 8.369598410e-03f);
  q = madd(q, r, 4.166618728e-02f);
  q = madd(q, r, 1.666651289e-01f);
  q = madd(q, r, 5.000000101e-01f);
  return {madd(r * r, q, r), static_cast<int>(bits(rounded) - bits(kRounder))};
}

KERATIN_INLINE float exp(float x) {
  float clamped = x < -104.0f ? -104.0f : x;
  clamped = clamped > 89.0f ? 89.0f : clamped;
  const ExpParts e = exp_parts(clamped);
  const int half = e.n >> 1;  // 2^n alone would not reach the subnormal and the largest results
  return (1.0f + e.p) * two_to(half) * two_to(e.n - half);
}

KERATIN_INLINE float expm1(float x) {
  float clamped = x < -20.0f ? -20.0f : x;
  clamped = clamped > 89.0f ? 89.0f : clamped;
  const ExpParts e = exp_parts(clamped);
  const float half = two_to(e.n - 1);
  return 2.0f * madd(half, e.p, half - 0.5f);
}

KERATIN_INLINE float log(float x) {
  const bool tiny = x < 1.17549435e-38f;
  const u32 u = bits(tiny ? x * 8388608.0f : x);
  const int e = static_cast<int>(u - 0x3f3504f3u) >> 23;  // x = 2^e·m, m from sqrt(1/2) to sqrt(2)
  const float f = from_bits(u - (static_cast<u32>(e) << 23)) - 1.0f;
  float p = madd(6.744550265e-02f, f, -1.167480905e-01f);
  p = madd(p, f, 1.188860087e-01f);
  p = madd(p, f, -1.240575571e-01f);
  p = madd(p, f, 1.421952012e-01f);
  p = madd(p, f, -1.666798559e-01f);
  p = madd(p, f, 2.000211961e-01f);
  p = madd(p, f, -2.500000979e-01f);
  p = madd(p, f, 3.333331260e-01f);
  const float square = f * f, exponent = static_cast<float>(e) - (tiny ? 23.0f : 0.0f);
  float y = madd(exponent, kLog2Low, f * square * p);
  y = madd(-0.5f, square, y) + f;
  y = madd(exponent, kLog2High, y);
  y = x > __FLT_MAX__ ? x : y;
  y = x == 0.0f ? -kInfinity<float> : y;
  return x >= 0.0f ? y : kNaN<float>;
}

KERATIN_INLINE float log1p(float x) {
  const float u = 1.0f + x;
  float y = log(u) + (x - (u - 1.0f)) / u;  // the second term is what rounding 1 + x lost
  y = u == 0.0f ? -kInfinity<float> : y;
  return x > __FLT_MAX__ ? x : y;
}

// (1 - e^-2|x|) / (1 + e^-2|x|), the numerator without cancellation.
KERATIN_INLINE float tanh(float x) {
  const float a = abs(x), clamped = a > 10.0f ? 10.0f : a;
  const ExpParts e = exp_parts(-2.0f * clamped);
  const float power = two_to(e.n), less = madd(power, e.p, power - 1.0f);  // e^-2|x| - 1
  return with_sign_of(less / (less + 2.0f), x);
}

// e^-|x| times 2^32, which is no subnormal number where the result is one.
KERATIN_INLINE float sigmoid(float x) {
  constexpr float kScale = 4294967296.0f;
  const float a = -abs(x);
  const ExpParts e = exp_parts(a < -104.0f ? -104.0f : a);
  const float power = two_to(e.n + 32), scaled = madd(power, e.p, power);
  return (x >= 0.0f ? kScale : scaled) / (kScale + scaled);
}

KERATIN_INLINE float softplus(float x) { return (x > 0.0f ? x : 0.0f) + log1p(exp(-abs(x))); }

KERATIN_INLINE float erf(float x) {
  const float a = abs(x), s = x * x;
  float p = madd(8.345224856e-05f, s, -8.137437554e-04f);
  p = madd(p, s, 5.200634305e-03f);
  p = madd(p, s, -2.685927078e-02f);
  p = madd(p, s, 1.128369394e-01f);
  p = madd(p, s, -3.761263370e-01f);
  p = madd(p, s, 1.283791666e-01f);
  const float small = madd(a, p, a);
  const float t = a > 4.0f ? 4.0f : a;
  float q = madd(-4.938215887e-06f, t, 4.558120086e-05f);  // log(erfc(t)) / t
  q = madd(q, t, 4.958668718e-05f);
  q = madd(q, t, -2.930157451e-03f);
  q = madd(q, t, 2.267413815e-02f);
  q = madd(q, t, -1.052626995e-01f);
  q = madd(q, t, -6.356252730e-01f);
  q = madd(q, t, -1.128551747e+00f);
  const float large = 1.0f - exp(q * t);
  return with_sign_of(a < 0.93f ? small : large, x);
}

// Beyond it the reduction below loses bits.
constexpr float kTrigonometricLimit = 2000.0f;

// sin(x + quarter·pi/2) for |x| <= kTrigonometricLimit.
KERATIN_INLINE float sine(float x, u32 quarter) {
  const float rounded = madd(x, 0.636619772367581343f, kRounder), n = rounded - kRounder;
  float r = madd(n, -1.5703125f, x);
  r = madd(n, -0.0004837512969970703125f, r);
  r = madd(n, -7.5497899548918821692e-8f, r);
  const u32 q = bits(rounded) - bits(kRounder) + quarter;
  const float s = r * r;
  float a = madd(2.718301927e-06f, s, -1.983933384e-04f);
  a = madd(a, s, 8.333329383e-03f);
  a = madd(a, s, -1.666666664e-01f);
  const float sin = madd(r * s, a, r);
  float b = madd(2.443835617e-05f, s, -1.388736671e-03f);
  b = madd(b, s, 4.166664685e-02f);
  const float cos = madd(s * s, b, madd(-0.5f, s, 1.0f));
  const float y = (q & 1u) ? cos : sin;
  return from_bits(bits(y) ^ (q & 2u) << 30);
}

// Rare enough for the C library.
KERATIN_INLINE float arctan(float x) { return __builtin_atanf(x); }
KERATIN_INLINE double arctan(double x) { return __builtin_atan(x); }

KERATIN_INLINE double exp(double x) { return __builtin_exp(x); }
KERATIN_INLINE double expm1(double x) { return __builtin_expm1(x); }
KERATIN_INLINE double log(double x) { return __builtin_log(x); }
KERATIN_INLINE double log1p(double x) { return __builtin_log1p(x); }
KERATIN_INLINE double tanh(double x) { return __builtin_tanh(x); }
KERATIN_INLINE double erf(double x) { return __builtin_erf(x); }
KERATIN_INLINE double sigmoid(double x) {
  const double e = exp(-abs(x));
  return (x >= 0.0 ? 1.0 : e) / (1.0 + e);
}
KERATIN_INLINE double softplus(double x) { return (x > 0.0 ? x : 0.0) + log1p(exp(-abs(x))); }

KERATIN_INLINE float floor(float x) { return __builtin_floorf(x); }
KERATIN_INLINE double floor(double x) { return __builtin_floor(x); }
KERATIN_INLINE float ceil(float x) { return __builtin_ceilf(x); }
KERATIN_INLINE double ceil(double x) { return __builtin_ceil(x); }
KERATIN_INLINE float round(float x) { return __builtin_rintf(x); }
KERATIN_INLINE double round(double x) { return __builtin_rint(x); }

}  // namespace keratin::cpu::KERATIN_ISA::math
