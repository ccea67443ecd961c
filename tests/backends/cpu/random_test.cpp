#include "keratin/core/tensor/philox.h"
#include "tests/backends/cpu/kernels.h"

namespace keratin::cpu {
namespace {

using testing::Array;
using testing::d;
using testing::expect_same_bits;
using testing::floats;
using testing::for_floats;

KERATIN_KERNEL_TESTS(RandomKernels);

constexpr std::uint64_t kStream = 0x123456789abcdef0u, kStep = 0xfedcba9876543210u;

float reference(i64 element) {
  const PhiloxBlock block = philox_at(kStream, kStep, static_cast<std::uint64_t>(element / 4));
  return uniform_from_bits(block.x[element % 4]);
}

// Ranges that begin and end inside blocks of four, near zero and beyond 32 bits of blocks.
const std::pair<i64, i64> kRanges[] = {{0, 0}, {0, 1}, {3, 1}, {0, 64}, {1, 200}, {(i64{1} << 34) - 6, 100}};

TEST_P(RandomKernels, UniformNumbersAreTheSharedGenerators) {
  for_floats([&]<class T>(T) {
    for (const auto& [first, n] : kRanges) {
      Array<T> y(n), scaled(n);
      floats<T>(simd).uniform(kStream, kStep, first, n, 0, 1, y.data());
      floats<T>(simd).uniform(kStream, kStep, first, n, -2, 3, scaled.data());
      for (i64 i = 0; i < n; ++i) {
        ASSERT_EQ(y[i], static_cast<T>(reference(first + i))) << first << " + " << i;
        ASSERT_NEAR(d(scaled[i]), -2 + 5 * d(reference(first + i)), 1e-6);
      }
    }
  });
}

TEST_P(RandomKernels, DropoutKeepsWhatTheUniformNumberAllows) {
  for_floats([&]<class T>(T) {
    for (const auto& [first, n] : kRanges) {
      const Array<T> x(n, T{3});
      Array<T> y = x;
      floats<T>(simd).dropout(kStream, kStep, first, n, T{0.4f}, x.data(), y.data());
      for (i64 i = 0; i < n; ++i) {
        ASSERT_NEAR(d(y[i]), reference(first + i) >= 0.4f ? 5.0 : 0.0, 1e-5) << first << " + " << i;
      }
    }
  });
}

TEST_P(RandomKernels, AnySplitGivesTheSameNumbers) {
  for_floats([&]<class T>(T) {
    const i64 n = 301;
    Array<T> whole(n), pieces(n);
    floats<T>(simd).normal(kStream, kStep, 5, n, 1, 2, whole.data());
    for (i64 start = 0, size = 1; start < n; start += size, size = 2 * size + 1) {
      floats<T>(simd).normal(kStream, kStep, 5 + start, std::min(size, n - start), 1, 2, pieces.data() + start);
    }
    expect_same_bits(whole, pieces, "normal");
  });
}

TEST_P(RandomKernels, NormalNumbersHaveTheirMoments) {
  const i64 n = 100000;
  Array<float> x(n);
  simd.f32.normal(1, 2, 0, n, 1.0f, 2.0f, x.data());
  double sum = 0, squares = 0, fourth = 0;
  for (i64 i = 0; i < n; ++i) {
    ASSERT_TRUE(std::isfinite(x[i]));
    const double z = (d(x[i]) - 1) / 2;
    sum += z, squares += z * z, fourth += z * z * z * z;
  }
  EXPECT_NEAR(sum / d(n), 0, 0.015);
  EXPECT_NEAR(squares / d(n), 1, 0.02);
  EXPECT_NEAR(fourth / d(n), 3, 0.15);
}

}  // namespace
}  // namespace keratin::cpu
