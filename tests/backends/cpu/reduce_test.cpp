#include <limits>

#include "tests/backends/cpu/kernels.h"

namespace keratin::cpu {
namespace {

using testing::Array;
using testing::d;
using testing::expect_near;
using testing::expect_same_bits;
using testing::floats;
using testing::for_floats;
using testing::kEps;

KERATIN_KERNEL_TESTS(ReduceKernels);

const ReduceShape kShapes[] = {
    {1, 1, 1, 1},     {3, 0, 2, 2},     {2, 5, 1, 1},     {1, 17, 1, 1},    {1, 64, 1, 1},    {4, 100, 1, 1},
    {1, 5000, 1, 1},  {1, 10000, 1, 1}, {2, 3, 7, 7},     {1, 300, 10, 10}, {1, 1000, 1, 1},  {2, 257, 3, 3},
    {1, 513, 32, 32}, {1, 130, 33, 33}, {3, 9, 600, 600}, {1, 5, 20, 50},   {2, 400, 10, 25},
};

// In long double: a plain sum of doubles would be less accurate than what it checks.
long double reference(Reduction op, long double total, long double x) {
  switch (op) {
    case Reduction::max: return std::max(total, x);
    case Reduction::min: return std::min(total, x);
    case Reduction::prod: return total * x;
    default: return total + x;
  }
}

template <class T, class Kernels>
void check(const Kernels& kernels, double low, double high) {
  for (const ReduceShape& s : kShapes) {
    const Array<T> x = Array<T>::random(s.outer * s.reduce * s.stride, 1, low, high);
    for (int op = 0; op < static_cast<int>(Reduction::count); ++op) {
      const auto reduction = static_cast<Reduction>(op);
      if (!kernels.reduce[op] || (s.reduce == 0 && reduction != Reduction::sum && reduction != Reduction::prod))
        continue;
      if (reduction == Reduction::prod && s.reduce > 100) continue;
      Array<T> y(s.outer * s.stride, T{5});
      kernels.reduce[op](s, x.data(), y.data());
      for (i64 o = 0; o < s.outer; ++o) {
        for (i64 i = 0; i < s.stride; ++i) {
          long double want = 5;  // columns outside the range keep their value
          if (i < s.inner) {
            want = reduction == Reduction::prod  ? 1
                   : reduction == Reduction::max ? -1e300
                   : reduction == Reduction::min ? 1e300
                                                 : 0;
            for (i64 r = 0; r < s.reduce; ++r)
              want = reference(reduction, want, d(x[(o * s.reduce + r) * s.stride + i]));
            if (reduction == Reduction::mean) want /= static_cast<long double>(s.reduce);
          }
          const double tolerance =
              std::is_floating_point_v<T> ? 2 * kEps<T> * (std::fabs(d(want)) + std::sqrt(d(s.reduce))) : 0;
          ASSERT_NEAR(d(y[o * s.stride + i]), d(want), tolerance)
              << "reduction " << op << " of " << s.outer << "x" << s.reduce << "x" << s.inner;
        }
      }
    }
  }
}

TEST_P(ReduceKernels, AgreeWithNaiveLoops) {
  check<float>(simd.f32, -1, 1.2);
  check<double>(simd.f64, -1, 1.2);
  check<std::int32_t>(simd.i32, -2, 3);
  check<i64>(simd.i64s, -2, 3);
}

TEST_P(ReduceKernels, LongSumsStayAccurate) {
  const i64 n = 1 << 20;
  const Array<float> x(n, 0.1f);
  float sum = 0;
  simd.f32.reduce[static_cast<int>(Reduction::sum)]({1, n, 1, 1}, x.data(), &sum);
  const double want = d(n) * d(0.1f);
  EXPECT_NEAR(sum, want, want * 1e-6);
  Array<float> columns(4);
  simd.f32.reduce[static_cast<int>(Reduction::sum)]({1, n / 4, 4, 4}, x.data(), columns.data());
  for (i64 i = 0; i < 4; ++i) EXPECT_NEAR(columns[i], want / 4, want * 1e-5);
}

TEST_P(ReduceKernels, EmptyReductions) {
  for_floats([&]<class T>(T) {
    const auto reduce = [&](Reduction op) {
      T y = 5;
      floats<T>(simd).reduce[static_cast<int>(op)]({1, 0, 1, 1}, nullptr, &y);
      return y;
    };
    EXPECT_EQ(reduce(Reduction::sum), 0);
    EXPECT_EQ(reduce(Reduction::prod), 1);
    EXPECT_TRUE(std::isnan(reduce(Reduction::mean)));
    EXPECT_EQ(reduce(Reduction::max), -std::numeric_limits<T>::infinity());
    EXPECT_EQ(reduce(Reduction::min), std::numeric_limits<T>::infinity());
  });
}

TEST_P(ReduceKernels, NaNsReachTheResult) {
  for (const i64 n : {5, 100}) {
    for (i64 at = 0; at < n; at += 3) {
      Array<float> x = Array<float>::random(n);
      x[at] = std::nanf("");
      for (int op = 0; op < static_cast<int>(Reduction::count); ++op) {
        float y = 0;
        simd.f32.reduce[op]({1, n, 1, 1}, x.data(), &y);
        EXPECT_TRUE(std::isnan(y)) << "reduction " << op << " of " << n << ", NaN at " << at;
      }
      i64 index = -1;
      simd.f32.argmax(x.data(), 1, n, DType::int64, &index);
      EXPECT_EQ(index, at);
    }
  }
}

TEST_P(ReduceKernels, SplittingOuterAndWideInnerGivesTheSameBits) {
  const ReduceShape whole{6, 300, 80, 80};
  const Array<float> x = Array<float>::random(6 * 300 * 80, 3);
  Array<float> y(6 * 80), outer(6 * 80), inner(6 * 80);
  const auto sum = simd.f32.reduce[static_cast<int>(Reduction::sum)];
  sum(whole, x.data(), y.data());
  sum({2, 300, 80, 80}, x.data(), outer.data());
  sum({4, 300, 80, 80}, x.data() + 2 * 300 * 80, outer.data() + 2 * 80);
  sum({6, 300, 48, 80}, x.data(), inner.data());
  sum({6, 300, 32, 80}, x.data() + 48, inner.data() + 48);
  expect_same_bits(y, outer, "split outer");
  expect_same_bits(y, inner, "split inner");
}

TEST_P(ReduceKernels, ArgmaxFindsTheFirstMaximum) {
  for_floats([&]<class T>(T) {
    for (const i64 cols : {1, 2, 10, 33, 100}) {
      const i64 rows = 9;
      Array<T> x = Array<T>::random(rows * cols, 4, -4, 4);
      for (i64 i = 0; i < x.size(); ++i) x[i] = std::round(x[i]);
      Array<std::int32_t> small(rows);
      Array<i64> large(rows);
      floats<T>(simd).argmax(x.data(), rows, cols, DType::int32, small.data());
      floats<T>(simd).argmax(x.data(), rows, cols, DType::int64, large.data());
      for (i64 r = 0; r < rows; ++r) {
        const T* row = x.data() + r * cols;
        EXPECT_EQ(small[r], std::max_element(row, row + cols) - row);
        EXPECT_EQ(large[r], small[r]);
      }
    }
  });
}

}  // namespace
}  // namespace keratin::cpu
