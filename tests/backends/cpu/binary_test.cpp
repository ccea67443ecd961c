#include <limits>

#include "tests/backends/cpu/kernels.h"

namespace keratin::cpu {
namespace {

using testing::Array;
using testing::d;
using testing::expect_near;
using testing::floats;
using testing::for_floats;
using testing::kEps;

KERATIN_KERNEL_TESTS(BinaryKernels);

double reference(Binary op, double a, double b) {
  switch (op) {
    case Binary::add: return a + b;
    case Binary::subtract: return a - b;
    case Binary::multiply: return a * b;
    case Binary::divide: return a / b;
    case Binary::power: return std::pow(a, b);
    case Binary::maximum: return std::max(a, b);
    default: return std::min(a, b);
  }
}

bool reference(Compare op, double a, double b) {
  switch (op) {
    case Compare::equal: return a == b;
    case Compare::not_equal: return a != b;
    case Compare::less: return a < b;
    case Compare::less_equal: return a <= b;
    case Compare::greater: return a > b;
    default: return a >= b;
  }
}

// Which elements meet at i.
i64 left_of(Layout layout, i64 i) { return layout == Layout::scalar_left ? 0 : i; }
i64 right_of(Layout layout, i64 i, i64 k) {
  return layout == Layout::scalar_right ? 0 : layout == Layout::row_right ? i % k : i;
}

const std::pair<i64, i64> kSizes[] = {{0, 1}, {1, 1}, {30, 10}, {35, 7}, {66, 33}, {17, 17}, {128, 64}};
const Layout kLayouts[] = {Layout::same, Layout::scalar_right, Layout::scalar_left, Layout::row_right};

TEST_P(BinaryKernels, AllLayouts) {
  for_floats([&]<class T>(T) {
    for (const auto& [n, k] : kSizes) {
      const Array<T> a = Array<T>::random(n + 1, 1, 0.5, 2), b = Array<T>::random(n + 1, 2, 0.5, 2);
      for (int op = 0; op < static_cast<int>(Binary::count); ++op) {
        for (const Layout layout : kLayouts) {
          Array<T> y(n);
          floats<T>(simd).binary[op](layout, a.data(), b.data(), y.data(), n, k);
          std::vector<double> want;
          for (i64 i = 0; i < n; ++i) {
            want.push_back(reference(static_cast<Binary>(op), d(a[left_of(layout, i)]), d(b[right_of(layout, i, k)])));
          }
          expect_near(y, want, 8 * kEps<T>, "binary " + std::to_string(op));
        }
      }
    }
  });
}

TEST_P(BinaryKernels, InPlaceOnTheLeft) {
  Array<float> a = Array<float>::random(100, 1);
  const Array<float> before = a, b = Array<float>::random(100, 2);
  simd.f32.binary[static_cast<int>(Binary::add)](Layout::same, a.data(), b.data(), a.data(), 100, 1);
  for (i64 i = 0; i < 100; ++i) EXPECT_EQ(a[i], before[i] + b[i]);
}

TEST_P(BinaryKernels, PowersWithSpecialExponents) {
  const float inf = std::numeric_limits<float>::infinity();
  const Array<float> x{2, 0.5f, -3, 0, -0.0f, inf, -inf, std::nanf("")};
  for (const float exponent : {2.0f, -1.0f, 0.5f, 1.0f, 0.0f, 3.0f, 0.25f}) {
    Array<float> y(x.size());
    simd.f32.binary[static_cast<int>(Binary::power)](Layout::scalar_right, x.data(), &exponent, y.data(), x.size(), 1);
    for (i64 i = 0; i < x.size(); ++i) {
      const float want = std::pow(x[i], exponent);
      if (std::isnan(want)) {
        EXPECT_TRUE(std::isnan(y[i])) << x[i] << "^" << exponent;
      } else {
        EXPECT_FLOAT_EQ(y[i], want) << x[i] << "^" << exponent;
        EXPECT_EQ(std::signbit(y[i]), std::signbit(want)) << x[i] << "^" << exponent;
      }
    }
  }
}

TEST_P(BinaryKernels, MaximumAndMinimumKeepNaNs) {
  const float nan = std::nanf("");
  const Array<float> a{nan, 1, nan, 2}, b{1, nan, nan, 3};
  Array<float> high(4), low(4);
  simd.f32.binary[static_cast<int>(Binary::maximum)](Layout::same, a.data(), b.data(), high.data(), 4, 1);
  simd.f32.binary[static_cast<int>(Binary::minimum)](Layout::same, a.data(), b.data(), low.data(), 4, 1);
  for (i64 i = 0; i < 3; ++i) EXPECT_TRUE(std::isnan(high[i]) && std::isnan(low[i])) << i;
  EXPECT_EQ(high[3], 3);
  EXPECT_EQ(low[3], 2);
}

template <class T, class Kernels>
void check_compare_and_select(const Kernels& kernels) {
  for (const auto& [n, k] : kSizes) {
    // Small integers, so that equal pairs occur.
    Array<T> a = Array<T>::random(n + 1, 1, -2, 3), b = Array<T>::random(n + 1, 2, -2, 3);
    for (i64 i = 0; i <= n; ++i) {
      a[i] = static_cast<T>(static_cast<int>(a[i]));
      b[i] = static_cast<T>(static_cast<int>(b[i]));
    }
    for (const Layout layout : kLayouts) {
      Array<std::uint8_t> condition(n);
      for (int op = 0; op < static_cast<int>(Compare::count); ++op) {
        kernels.compare[op](layout, a.data(), b.data(), condition.data(), n, k);
        for (i64 i = 0; i < n; ++i) {
          const double left = d(a[left_of(layout, i)]), right = d(b[right_of(layout, i, k)]);
          ASSERT_EQ(condition[i], reference(static_cast<Compare>(op), left, right)) << op << " at " << i;
        }
      }
      Array<T> y(n);
      kernels.select(layout, condition.data(), a.data(), b.data(), y.data(), n, k);
      for (i64 i = 0; i < n; ++i) {
        ASSERT_EQ(y[i], condition[i] ? a[left_of(layout, i)] : b[right_of(layout, i, k)]) << i;
      }
    }
  }
}

TEST_P(BinaryKernels, ComparisonsAndSelection) {
  check_compare_and_select<float>(simd.f32);
  check_compare_and_select<double>(simd.f64);
  check_compare_and_select<std::int32_t>(simd.i32);
  check_compare_and_select<i64>(simd.i64s);
}

TEST_P(BinaryKernels, Integers) {
  const auto check = [&]<class T>(const IntKernels<T>& kernels, T) {
    const T low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
    const Array<T> a{7, -7, 9, low, high, 5}, b{2, 2, -4, -1, 1, 0};
    const auto run = [&](Binary op) {
      Array<T> y(6);
      kernels.binary[static_cast<int>(op)](Layout::same, a.data(), b.data(), y.data(), 6, 1);
      return std::vector<T>(y.data(), y.data() + 6);
    };
    EXPECT_EQ(run(Binary::add), (std::vector<T>{9, -5, 5, high, low, 5}));
    EXPECT_EQ(run(Binary::subtract), (std::vector<T>{5, -9, 13, static_cast<T>(low + 1), static_cast<T>(high - 1), 5}));
    EXPECT_EQ(run(Binary::multiply), (std::vector<T>{14, -14, -36, low, high, 0}));
    EXPECT_EQ(run(Binary::divide), (std::vector<T>{3, -3, -2, low, high, 0}));
    EXPECT_EQ(run(Binary::maximum), (std::vector<T>{7, 2, 9, -1, high, 5}));
    EXPECT_EQ(run(Binary::minimum), (std::vector<T>{2, -7, -4, low, 1, 0}));
  };
  check(simd.i32, std::int32_t{});
  check(simd.i64s, i64{});
}

}  // namespace
}  // namespace keratin::cpu
