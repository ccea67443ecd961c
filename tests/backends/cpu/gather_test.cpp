#include <limits>

#include "tests/backends/cpu/kernels.h"

namespace keratin::cpu {
namespace {

using testing::Array;
using testing::d;
using testing::expect_near;
using testing::floats;
using testing::for_floats;

KERATIN_KERNEL_TESTS(GatherKernels);

TEST_P(GatherKernels, EveryConversion) {
  const auto to_all = [&]<class From>(From, DType from) {
    for (const i64 n : {0, 1, 5, 70}) {
      const Array<From> x = Array<From>::random(n, 1, 0, 200);
      const auto to = [&]<class To>(To, DType dtype) {
        Array<To> plain(n), scaled(n);
        simd.convert(from, dtype, x.data(), plain.data(), n, 1, 0);
        simd.convert(from, dtype, x.data(), scaled.data(), n, 0.5, 1);
        for (i64 i = 0; i < n; ++i) {
          ASSERT_EQ(plain[i], static_cast<To>(x[i])) << i;
          ASSERT_NEAR(d(scaled[i]), d(static_cast<To>(d(x[i]) * 0.5 + 1)), 1e-4) << i;
        }
      };
      to(float{}, DType::float32);
      to(double{}, DType::float64);
      to(std::int32_t{}, DType::int32);
      to(i64{}, DType::int64);
      to(std::uint8_t{}, DType::uint8);
      Array<std::uint8_t> flags(n);
      simd.convert(from, DType::boolean, x.data(), flags.data(), n, 1, 0);
      for (i64 i = 0; i < n; ++i) ASSERT_EQ(flags[i], x[i] != From{0});
    }
  };
  to_all(float{}, DType::float32);
  to_all(double{}, DType::float64);
  to_all(std::int32_t{}, DType::int32);
  to_all(i64{}, DType::int64);
  to_all(std::uint8_t{}, DType::uint8);
}

TEST_P(GatherKernels, NumbersOutOfRangeSaturate) {
  const Array<float> x{1e20f, -1e20f, std::nanf(""), INFINITY, -INFINITY, 2147483648.0f, -2147483648.0f, -1.5f, 2.9f};
  const i64 n = x.size();
  Array<std::int32_t> small(n);
  Array<i64> large(n);
  Array<std::uint8_t> bytes(n);
  simd.convert(DType::float32, DType::int32, x.data(), small.data(), n, 1, 0);
  simd.convert(DType::float32, DType::int64, x.data(), large.data(), n, 1, 0);
  simd.convert(DType::float32, DType::uint8, x.data(), bytes.data(), n, 1, 0);
  constexpr auto kLow = std::numeric_limits<std::int32_t>::min(), kHigh = std::numeric_limits<std::int32_t>::max();
  constexpr auto kLowest = std::numeric_limits<i64>::min(), kHighest = std::numeric_limits<i64>::max();
  EXPECT_EQ(std::vector(small.data(), small.data() + n),
            (std::vector<std::int32_t>{kHigh, kLow, 0, kHigh, kLow, kHigh, kLow, -1, 2}));
  EXPECT_EQ(std::vector(large.data(), large.data() + n),
            (std::vector<i64>{kHighest, kLowest, 0, kHighest, kLowest, 2147483648, -2147483648, -1, 2}));
  EXPECT_EQ(std::vector(bytes.data(), bytes.data() + n), (std::vector<std::uint8_t>{255, 0, 0, 255, 0, 255, 0, 0, 2}));
}

TEST_P(GatherKernels, RowsOfBytesBecomeScaledFloats) {
  const i64 rows = 6, row = 49;
  const Array<std::uint8_t> x = Array<std::uint8_t>::random(rows * row, 1, 0, 256);
  const Array<i64> index{5, 0, 3, 3};
  Array<float> y(4 * row);
  simd.gather_rows(DType::uint8, DType::float32, x.data(), index.data(), 4, row, 1.0 / 255, -0.5, y.data());
  for (i64 r = 0; r < 4; ++r) {
    for (i64 i = 0; i < row; ++i) {
      ASSERT_NEAR(d(y[r * row + i]), d(x[index[r] * row + i]) / 255 - 0.5, 1e-6);
    }
  }
}

TEST_P(GatherKernels, EmbeddingAndItsGradient) {
  for_floats([&]<class T>(T) {
    const i64 vocabulary = 7, dim = 19, rows = 9;
    const Array<T> table = Array<T>::random(vocabulary * dim, 1), dy = Array<T>::random(rows * dim, 2);
    const Array<std::int32_t> index{3, 0, 6, 3, 7, -1, 3, 1, 0};
    Array<i64> wide(rows);
    for (i64 r = 0; r < rows; ++r) wide[r] = index[r];
    std::vector<double> y, gradient(static_cast<std::size_t>(vocabulary * dim));
    for (i64 r = 0; r < rows; ++r) {
      const bool inside = index[r] >= 0 && index[r] < vocabulary;
      for (i64 i = 0; i < dim; ++i) {
        y.push_back(inside ? d(table[index[r] * dim + i]) : 0);
        if (inside) gradient[static_cast<std::size_t>(index[r] * dim + i)] += d(dy[r * dim + i]);
      }
    }
    const FloatKernels<T>& kernels = floats<T>(simd);
    Array<T> got(rows * dim), dtable(vocabulary * dim, T{9});
    EXPECT_EQ(kernels.embedding(table.data(), vocabulary, dim, DType::int32, index.data(), rows, got.data()), 2);
    expect_near(got, y, 0, "embedding");
    EXPECT_EQ(kernels.embedding(table.data(), vocabulary, dim, DType::int64, wide.data(), rows, got.data()), 2);
    expect_near(got, y, 0, "embedding");
    kernels.embedding_gradient(dy.data(), dim, DType::int32, index.data(), rows, 0, 3, dtable.data());
    kernels.embedding_gradient(dy.data(), dim, DType::int64, wide.data(), rows, 3, vocabulary, dtable.data());
    expect_near(dtable, gradient, 1e-6, "embedding gradient");
  });
}

}  // namespace
}  // namespace keratin::cpu
