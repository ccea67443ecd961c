#include <functional>
#include <limits>

#include "tests/backends/cpu/kernels.h"

namespace keratin::cpu {
namespace {

using testing::Array;
using testing::d;
using testing::expect_same_bits;
using testing::floats;
using testing::for_floats;

KERATIN_KERNEL_TESTS(UnaryKernels);

struct Function {
  Unary op;
  const char* name;
  std::function<long double(long double)> reference;
};

const std::vector<Function>& functions() {
  static const std::vector<Function> all = {
      {Unary::negative, "negative", [](long double x) { return -x; }},
      {Unary::abs, "abs", [](long double x) { return std::fabs(x); }},
      {Unary::square, "square", [](long double x) { return x * x; }},
      {Unary::sqrt, "sqrt", [](long double x) { return std::sqrt(x); }},
      {Unary::rsqrt, "rsqrt", [](long double x) { return 1 / std::sqrt(x); }},
      {Unary::reciprocal, "reciprocal", [](long double x) { return 1 / x; }},
      {Unary::exp, "exp", [](long double x) { return std::exp(x); }},
      {Unary::expm1, "expm1", [](long double x) { return std::expm1(x); }},
      {Unary::log, "log", [](long double x) { return std::log(x); }},
      {Unary::log1p, "log1p", [](long double x) { return std::log1p(x); }},
      {Unary::tanh, "tanh", [](long double x) { return std::tanh(x); }},
      {Unary::sigmoid, "sigmoid", [](long double x) { return 1 / (1 + std::exp(-x)); }},
      {Unary::relu, "relu", [](long double x) { return x < 0 ? 0 : x; }},
      {Unary::softplus, "softplus",
       [](long double x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x))); }},
      {Unary::erf, "erf", [](long double x) { return std::erf(x); }},
      {Unary::arctan, "arctan", [](long double x) { return std::atan(x); }},
      {Unary::sin, "sin", [](long double x) { return std::sin(x); }},
      {Unary::cos, "cos", [](long double x) { return std::cos(x); }},
      {Unary::floor, "floor", [](long double x) { return std::floor(x); }},
      {Unary::ceil, "ceil", [](long double x) { return std::ceil(x); }},
      {Unary::round, "round", [](long double x) { return std::nearbyint(x); }},
      {Unary::sign, "sign", [](long double x) { return x > 0   ? 1
                                                       : x < 0 ? -1
                                                               : x; }},
  };
  return all;
}

// Distance in units of the last place of `want`, as T; subnormals count in units of the smallest normal's.
template <class T>
double ulps(T got, long double want) {
  const T rounded = static_cast<T>(want);
  if (std::isnan(rounded) || std::isinf(rounded) || std::isinf(got) || std::isnan(got)) {
    if (std::isnan(rounded) && std::isnan(got)) return 0;
    return got == rounded ? 0 : 1e30;
  }
  const T size = std::max(std::fabs(rounded), std::numeric_limits<T>::min());
  const T unit = std::nextafter(size, std::numeric_limits<T>::infinity()) - size;
  return static_cast<double>(std::fabs(static_cast<long double>(got) - want) / static_cast<long double>(unit));
}

template <class T>
Array<T> arguments() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> values = {T(0),
                           -T(0),
                           T(1),
                           T(-1),
                           T(0.5),
                           T(-0.5),
                           T(1.5),
                           T(2.5),
                           T(-2.5),
                           T(-1.5),
                           Limits::min(),
                           -Limits::min(),
                           Limits::max(),
                           Limits::lowest(),
                           Limits::infinity(),
                           -Limits::infinity(),
                           Limits::quiet_NaN(),
                           Limits::denorm_min(),
                           Limits::epsilon(),
                           T(88),
                           T(89),
                           T(-88),
                           T(-104),
                           T(-110),
                           T(1e-20)};
  const auto add = [&](double low, double high, unsigned seed) {
    const Array<T> more = Array<T>::random(1500, seed, low, high);
    for (i64 i = 0; i < more.size(); ++i) values.push_back(more[i]);
  };
  add(-1, 1, 1);
  add(-0.01, 0.01, 2);
  add(-5, 5, 3);
  add(-100, 100, 4);
  add(0, 1e30, 5);
  add(-1900, 1900, 6);
  add(-1e6, 1e6, 7);
  Array<T> result(static_cast<i64>(values.size()));
  for (i64 i = 0; i < result.size(); ++i) result[i] = values[testing::u(i)];
  return result;
}

TEST_P(UnaryKernels, WithinAFewUnitsInTheLastPlace) {
  for_floats([&]<class T>(T) {
    const Array<T> x = arguments<T>();
    for (const Function& function : functions()) {
      Array<T> y(x.size());
      floats<T>(simd).unary[static_cast<int>(function.op)](x.data(), y.data(), x.size());
      double worst = 0;
      T at = 0;
      for (i64 i = 0; i < x.size(); ++i) {
        const double error = ulps(y[i], function.reference(static_cast<long double>(x[i])));
        if (error > worst) worst = error, at = x[i];
      }
      EXPECT_LE(worst, 3.5) << function.name << (sizeof(T) == 4 ? " float" : " double") << " at " << at;
    }
  });
}

TEST_P(UnaryKernels, AnySplitAndWorkingInPlaceGiveTheSameBits) {
  for_floats([&]<class T>(T) {
    const Array<T> x = Array<T>::random(301, 9, -50, 50);
    for (const Function& function : functions()) {
      const auto run = floats<T>(simd).unary[static_cast<int>(function.op)];
      Array<T> whole(x.size()), pieces(x.size()), in_place = x;
      run(x.data(), whole.data(), x.size());
      for (i64 start = 0, size = 1; start < x.size(); start += size, size = size * 2 + 1) {
        run(x.data() + start, pieces.data() + start, std::min(size, x.size() - start));
      }
      run(in_place.data(), in_place.data(), x.size());
      if (std::isnan(d(whole[0])) && std::isnan(d(pieces[0]))) continue;
      for (i64 i = 0; i < x.size(); ++i) {
        ASSERT_TRUE(whole[i] == pieces[i] || (std::isnan(whole[i]) && std::isnan(pieces[i]))) << function.name;
        ASSERT_TRUE(whole[i] == in_place[i] || (std::isnan(whole[i]) && std::isnan(in_place[i]))) << function.name;
      }
    }
  });
}

TEST_P(UnaryKernels, GradientsOfActivations) {
  for_floats([&]<class T>(T) {
    const Array<T> y = Array<T>::random(67, 1, -0.9, 0.9), dy = Array<T>::random(67, 2);
    Array<T> relu(67), sigmoid(67), tanh(67);
    const FloatKernels<T>& kernels = floats<T>(simd);
    kernels.relu_gradient(y.data(), dy.data(), relu.data(), 67);
    kernels.sigmoid_gradient(y.data(), dy.data(), sigmoid.data(), 67);
    kernels.tanh_gradient(y.data(), dy.data(), tanh.data(), 67);
    for (i64 i = 0; i < 67; ++i) {
      EXPECT_EQ(relu[i], y[i] > 0 ? dy[i] : T{0});
      EXPECT_NEAR(d(sigmoid[i]), d(dy[i]) * d(y[i]) * (1 - d(y[i])), 1e-6);
      EXPECT_NEAR(d(tanh[i]), d(dy[i]) * (1 - d(y[i]) * d(y[i])), 1e-6);
    }
  });
}

TEST_P(UnaryKernels, FillAndAddScaled) {
  for_floats([&]<class T>(T) {
    for (const i64 n : {0, 1, 7, 100}) {
      Array<T> y(n);
      const Array<T> x = Array<T>::random(n);
      floats<T>(simd).fill(T{3}, y.data(), n);
      floats<T>(simd).add_scaled(T{2}, x.data(), y.data(), n);
      for (i64 i = 0; i < n; ++i) EXPECT_NEAR(d(y[i]), 3 + 2 * d(x[i]), 1e-6);
    }
  });
}

}  // namespace
}  // namespace keratin::cpu
