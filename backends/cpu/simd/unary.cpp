// Elementwise functions of one argument, and gradients of activations.
#include "keratin/backends/cpu/simd/families.h"
#include "keratin/backends/cpu/simd/math.h"

namespace keratin::cpu::KERATIN_ISA {
namespace {

template <auto f, class T>
void map(const T* x, T* y, i64 n) {
  KERATIN_INDEPENDENT
  for (i64 i = 0; i < n; ++i) y[i] = f(x[i]);
}

// Arguments too large for the fast reduction go to the C library one by one.
template <math::u32 quarter>
void trigonometric(const float* x, float* y, i64 n) {
  constexpr i64 kBlock = 256;
  float in[kBlock];
  for (i64 start = 0; start < n; start += kBlock) {
    const i64 count = n - start < kBlock ? n - start : kBlock;
    int large = 0;
    for (i64 i = 0; i < count; ++i) {
      in[i] = x[start + i];
      large |= math::abs(in[i]) <= math::kTrigonometricLimit ? 0 : 1;
    }
    for (i64 i = 0; i < count; ++i) y[start + i] = math::sine(in[i], quarter);
    if (!large) continue;
    for (i64 i = 0; i < count; ++i) {
      if (math::abs(in[i]) <= math::kTrigonometricLimit) continue;
      y[start + i] = quarter ? __builtin_cosf(in[i]) : __builtin_sinf(in[i]);
    }
  }
}

template <class T>
void relu_gradient(const T* y, const T* dy, T* dx, i64 n) {
  KERATIN_INDEPENDENT
  for (i64 i = 0; i < n; ++i) dx[i] = y[i] > T{0} ? dy[i] : T{0};
}
template <class T>
void sigmoid_gradient(const T* y, const T* dy, T* dx, i64 n) {
  KERATIN_INDEPENDENT
  for (i64 i = 0; i < n; ++i) dx[i] = dy[i] * y[i] * (T{1} - y[i]);
}
template <class T>
void tanh_gradient(const T* y, const T* dy, T* dx, i64 n) {
  KERATIN_INDEPENDENT
  for (i64 i = 0; i < n; ++i) dx[i] = dy[i] * (T{1} - y[i] * y[i]);
}
template <class T>
void fill_value(T value, T* y, i64 n) {
  for (i64 i = 0; i < n; ++i) y[i] = value;
}
template <class T>
void add_scaled(T a, const T* x, T* y, i64 n) {
  KERATIN_INDEPENDENT
  for (i64 i = 0; i < n; ++i) y[i] = madd(a, x[i], y[i]);
}

template <class T>
void fill(FloatKernels<T>& kernels) {
  const auto set = [&](Unary op, void (*f)(const T*, T*, i64)) { kernels.unary[static_cast<int>(op)] = f; };
  set(Unary::negative, map<[](T x) { return -x; }, T>);
  set(Unary::abs, map<[](T x) { return math::abs(x); }, T>);
  set(Unary::square, map<[](T x) { return x * x; }, T>);
  set(Unary::sqrt, map<[](T x) { return math::sqrt(x); }, T>);
  set(Unary::rsqrt, map<[](T x) { return T{1} / math::sqrt(x); }, T>);
  set(Unary::reciprocal, map<[](T x) { return T{1} / x; }, T>);
  set(Unary::exp, map<[](T x) { return math::exp(x); }, T>);
  set(Unary::expm1, map<[](T x) { return math::expm1(x); }, T>);
  set(Unary::log, map<[](T x) { return math::log(x); }, T>);
  set(Unary::log1p, map<[](T x) { return math::log1p(x); }, T>);
  set(Unary::tanh, map<[](T x) { return math::tanh(x); }, T>);
  set(Unary::sigmoid, map<[](T x) { return math::sigmoid(x); }, T>);
  set(Unary::relu, map<[](T x) { return x < T{0} ? T{0} : x; }, T>);
  set(Unary::softplus, map<[](T x) { return math::softplus(x); }, T>);
  set(Unary::erf, map<[](T x) { return math::erf(x); }, T>);
  set(Unary::arctan, map<[](T x) { return math::arctan(x); }, T>);
  set(Unary::floor, map<[](T x) { return math::floor(x); }, T>);
  set(Unary::ceil, map<[](T x) { return math::ceil(x); }, T>);
  set(Unary::round, map<[](T x) { return math::round(x); }, T>);
  set(Unary::sign, map<[](T x) { return (x > T{0}) ? T{1} : x < T{0} ? T{-1} : x; }, T>);
  kernels.relu_gradient = relu_gradient<T>;
  kernels.sigmoid_gradient = sigmoid_gradient<T>;
  kernels.tanh_gradient = tanh_gradient<T>;
  kernels.fill = fill_value<T>;
  kernels.add_scaled = add_scaled<T>;
}

}  // namespace

void add_unary(FloatKernels<float>& kernels) {
  fill(kernels);
  kernels.unary[static_cast<int>(Unary::sin)] = trigonometric<0>;
  kernels.unary[static_cast<int>(Unary::cos)] = trigonometric<1>;
}
void add_unary(FloatKernels<double>& kernels) {
  fill(kernels);
  kernels.unary[static_cast<int>(Unary::sin)] = map<[](double x) { return __builtin_sin(x); }, double>;
  kernels.unary[static_cast<int>(Unary::cos)] = map<[](double x) { return __builtin_cos(x); }, double>;
}

}  // namespace keratin::cpu::KERATIN_ISA
