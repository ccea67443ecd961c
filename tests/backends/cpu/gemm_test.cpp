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

KERATIN_KERNEL_TESTS(GemmKernels);

std::string describe(const GemmShape& s) {
  return std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k) + (s.trans_a ? " ta" : "") +
         (s.trans_b ? " tb" : "") + (s.accumulate ? " +=" : "");
}

template <class T>
void multiply(const Simd& simd, const GemmShape& s, const T* a, const T* b, T* c, const T* bias = nullptr,
              Activation activation = Activation::none) {
  Array<char> workspace(static_cast<i64>(floats<T>(simd).gemm_workspace(s)));
  floats<T>(simd).gemm(s, a, b, c, bias, activation, workspace.data());
}

template <class T>
void check(const Simd& simd, const GemmShape& s, bool with_bias, Activation activation) {
  const Array<T> a = Array<T>::random((s.trans_a ? s.k : s.m) * s.lda, 1);
  const Array<T> b = Array<T>::random((s.trans_b ? s.n : s.k) * s.ldb, 2);
  const Array<T> bias = Array<T>::random(s.n, 3);
  Array<T> result = Array<T>::random(s.m * s.ldc, 4);
  std::vector<double> want;
  for (i64 i = 0; i < s.m; ++i) {
    for (i64 j = 0; j < s.ldc; ++j) {
      double sum = d(result[i * s.ldc + j]);
      if (j < s.n) {
        if (!s.accumulate) sum = 0;
        for (i64 p = 0; p < s.k; ++p) {
          sum +=
              d(s.trans_a ? a[p * s.lda + i] : a[i * s.lda + p]) * d(s.trans_b ? b[j * s.ldb + p] : b[p * s.ldb + j]);
        }
        if (with_bias) sum += d(bias[j]);
        if (activation == Activation::relu) sum = std::max(sum, 0.0);
      }
      want.push_back(sum);
    }
  }
  Array<T> by_eigen = result, by_packed = result, by_copies = result;
  multiply(simd, s, a.data(), b.data(), result.data(), with_bias ? bias.data() : nullptr, activation);
  expect_near(result, want, kEps<T> * 40 * std::sqrt(d(s.k) + 16), describe(s));
  Array<char> workspace(static_cast<i64>(floats<T>(simd).gemm_workspace(s)));
  floats<T>(simd).gemm_eigen(s, a.data(), b.data(), by_eigen.data(), with_bias ? bias.data() : nullptr, activation,
                             workspace.data());
  expect_near(by_eigen, want, kEps<T> * 40 * std::sqrt(d(s.k) + 16), "Eigen, " + describe(s));
  GemmShape with_copies = s;
  with_copies.few_ways = true;
  multiply(simd, with_copies, a.data(), b.data(), by_copies.data(), with_bias ? bias.data() : nullptr, activation);
  expect_same_bits(by_copies, result, "rows copied first, " + describe(s));
  const std::size_t packed_bytes = floats<T>(simd).gemm_packed_bytes(s);
  if (packed_bytes == 0) return;
  Array<T> packed(static_cast<i64>(packed_bytes / sizeof(T)));
  floats<T>(simd).gemm_pack(s, b.data(), packed.data());
  GemmShape with_packed = s;
  with_packed.packed_b = true;
  const Array<T> before = by_packed;
  for (const bool few_ways : {false, true}) {
    with_packed.few_ways = few_ways;
    by_packed = before;
    multiply(simd, with_packed, a.data(), packed.data(), by_packed.data(), with_bias ? bias.data() : nullptr,
             activation);
    expect_same_bits(by_packed, result, "packed before, " + describe(s));
  }
}

GemmShape shape(i64 m, i64 n, i64 k, bool ta, bool tb, i64 gap = 0) {
  return {.m = m,
          .n = n,
          .k = k,
          .lda = (ta ? m : k) + gap,
          .ldb = (tb ? k : n) + gap,
          .ldc = n + gap,
          .trans_a = ta,
          .trans_b = tb};
}

TEST_P(GemmKernels, AgreeWithNaiveLoops) {
  const i64 sizes[][3] = {{1, 1, 1},     {1, 10, 7},   {1, 33, 64},  {2, 3, 5},    {7, 1, 9},   {14, 32, 16},
                          {15, 33, 17},  {13, 10, 31}, {29, 16, 3},  {5, 17, 300}, {6, 64, 12}, {31, 47, 20},
                          {48, 4, 100},  {3, 130, 2},  {64, 48, 31}, {17, 100, 0}, {0, 5, 4},   {5, 0, 4},
                          {40, 200, 13}, {65, 16, 66}, {20, 31, 1},  {100, 8, 9},  {28, 96, 50}};
  for (const auto& size : sizes) {
    for (int flags = 0; flags < 8; ++flags) {
      GemmShape s = shape(size[0], size[1], size[2], flags & 1, flags & 2, flags == 5 ? 3 : 0);
      s.accumulate = flags & 4;
      for_floats([&]<class T>(T) {
        check<T>(simd, s, flags == 1 || flags == 6, flags % 3 == 0 ? Activation::relu : Activation::none);
      });
    }
  }
}

TEST_P(GemmKernels, LargerThanTheirBlocks) {
  const i64 sizes[][3] = {{100, 530, 70},
                          {530, 20, 260},
                          {33, 49, 1500},
                          {150, 129, 784},
                          {300, 10, 500},
                          {1, 700, 900},
                          {20, 1100, 40},
                          {40, 90, 700},
                          {30, 70, 1024},
                          // Rows that compete for the cache, as they are and transposed; a B of more than 512 KB, which
                          // is fetched when it was packed before, for one group of rows and for two.
                          {270, 64, 512},
                          {512, 40, 70},
                          {16, 520, 270},
                          {260, 530, 260}};
  for (const auto& size : sizes) {
    for (int flags = 0; flags < 4; ++flags) {
      for_floats([&]<class T>(T) {
        check<T>(simd, shape(size[0], size[1], size[2], flags & 1, flags & 2), true, Activation::relu);
      });
    }
  }
}

TEST_P(GemmKernels, NoTermsGiveTheBias) {
  const Array<float> bias{1, -2, 3};
  Array<float> c(6, 9.0f);
  multiply<float>(simd, shape(2, 3, 0, false, false), nullptr, nullptr, c.data(), bias.data(), Activation::relu);
  expect_near(c, {1, 0, 3, 1, 0, 3}, 0, "bias");
}

TEST_P(GemmKernels, NaNsAndInfinitiesReachTheirRowOnly) {
  for (const float special : {std::nanf(""), INFINITY}) {
    Array<float> a(20 * 30, 1.0f), b(30 * 40, 1.0f), c(20 * 40);
    a[30 * 3 + 5] = special;
    multiply<float>(simd, shape(20, 40, 30, false, false), a.data(), b.data(), c.data(), nullptr, Activation::relu);
    for (i64 j = 0; j < 40; ++j) {
      EXPECT_FALSE(std::isfinite(c[3 * 40 + j]));
      EXPECT_EQ(c[2 * 40 + j], 30.0f);
      EXPECT_EQ(c[4 * 40 + j], 30.0f);
    }
  }
}

TEST_P(GemmKernels, SplittingRowsAndColumnsGivesTheSameBits) {
  const i64 m = 37, n = 50, k = 300;
  for (const auto& [ta, tb] : {std::pair{false, false}, {true, false}, {false, true}, {true, true}}) {
    const Array<float> a = Array<float>::random(m * k, 1), b = Array<float>::random(k * n, 2);
    Array<float> whole(m * n), rows(m * n), cols(m * n);
    GemmShape s = shape(m, n, k, ta, tb);
    s.any_rows = true;
    multiply<float>(simd, s, a.data(), b.data(), whole.data());
    for (const auto& [begin, end] : {std::pair<i64, i64>{0, 5}, {5, 6}, {6, m}}) {
      GemmShape part = s;
      part.m = end - begin;
      multiply<float>(simd, part, a.data() + (ta ? begin : begin * k), b.data(), rows.data() + begin * n);
    }
    for (const auto& [begin, end] : {std::pair<i64, i64>{0, 7}, {7, 40}, {40, n}}) {
      GemmShape part = s;
      part.n = end - begin;
      multiply<float>(simd, part, a.data(), b.data() + (tb ? begin * k : begin), cols.data() + begin);
    }
    expect_same_bits(whole, rows, "split rows");
    expect_same_bits(whole, cols, "split columns");
  }
}

TEST_P(GemmKernels, TheSameCallGivesTheSameBits) {
  const Array<float> a = Array<float>::random(37 * 300, 1), b = Array<float>::random(300 * 50, 2);
  Array<float> first(37 * 50), second(37 * 50, 3.0f);
  multiply<float>(simd, shape(37, 50, 300, false, false), a.data(), b.data(), first.data());
  multiply<float>(simd, shape(37, 50, 300, false, false), a.data(), b.data(), second.data());
  expect_same_bits(first, second, "repeated product");
}

}  // namespace
}  // namespace keratin::cpu
