// Products and convolutions of numbers split into bfloat16, by every unit that this machine has, beside loops in double
// precision.
#include "keratin/backends/cpu/bf16.h"

#include <functional>

#include "keratin/keratin.h"
#include "tests/backends/cpu/amx_emulator.h"
#include "tests/backends/cpu/kernels.h"
#include "tests/backends/cpu/run_op.h"

namespace keratin::cpu {
namespace {

using testing::Array;
using testing::d;
using testing::expect_same_bits;
using testing::u;

std::vector<Bf16Unit> units() {
  std::vector<Bf16Unit> result = supported_bf16_units();
  std::erase(result, Bf16Unit::off);
  return result;
}

class Bf16 : public ::testing::TestWithParam<Bf16Unit> {
 protected:
  void SetUp() override {
    if (GetParam() == Bf16Unit::amx && !low_precision(Precision::high, Bf16Unit::amx)) {
      GTEST_SKIP() << "the operating system gives this process no AMX";
    }
  }
  const Bf16Kernels& kernels = bf16_kernels(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Units, Bf16, ::testing::ValuesIn(units()),
                         [](const auto& unit) { return std::string(name_of(unit.param)); });

// The root of the mean square of the errors, relative to that of the results: roundings of 8 and of 16 bits.
void expect_accuracy(const Array<float>& got, const std::vector<double>& want, int parts, const std::string& what) {
  ASSERT_EQ(u(got.size()), want.size());
  double error = 0, size = 1e-30;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double difference = d(got[static_cast<i64>(i)]) - want[i];
    ASSERT_TRUE(std::isfinite(difference)) << what << " at " << i;
    error += difference * difference;
    size += want[i] * want[i];
  }
  const double rms = std::sqrt(error / size), some = want.size() < 100 ? 3 : 1;
  EXPECT_LT(rms, some * (parts == 1 ? 4e-3 : 1.2e-5)) << what << ", parts " << parts;
  if (parts == 1 && want.size() > 500) {
    EXPECT_GT(rms, 1e-4) << what << " is not rounded to bfloat16";
  }
}

GemmShape shape(i64 m, i64 n, i64 k, int flags, i64 gap = 0) {
  const bool ta = flags & 1, tb = flags & 2;
  return {.m = m,
          .n = n,
          .k = k,
          .lda = (ta ? m : k) + gap,
          .ldb = (tb ? k : n) + gap,
          .ldc = n + gap,
          .trans_a = ta,
          .trans_b = tb,
          .accumulate = (flags & 4) != 0};
}

bool multiply(const Bf16Kernels& kernels, const GemmShape& s, int parts, const float* a, const float* b, float* c,
              const float* bias = nullptr, Activation activation = Activation::none) {
  Array<char> workspace(static_cast<i64>(kernels.gemm_workspace(s, parts)));
  return kernels.gemm(s, parts, a, b, c, bias, activation, workspace.data());
}

TEST_P(Bf16, ProductsAgreeWithNaiveLoops) {
  const i64 sizes[][3] = {{1, 1, 1},    {3, 5, 2},     {7, 1, 9},    {14, 32, 16},  {15, 33, 17}, {2, 17, 33},
                          {29, 16, 3},  {32, 32, 32},  {33, 65, 40}, {5, 17, 300},  {31, 47, 20}, {64, 64, 64},
                          {17, 48, 65}, {40, 200, 13}, {20, 31, 1},  {28, 96, 450}, {50, 40, 801}};
  for (const auto& [m, n, k] : sizes) {
    for (int flags = 0; flags < 8; ++flags) {
      const GemmShape s = shape(m, n, k, flags, flags == 5 ? 3 : 0);
      const bool with_bias = flags == 1 || flags == 6, relu = flags % 3 == 0;
      const std::string what =
          std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) + ", flags " + std::to_string(flags);
      const Array<float> a = Array<float>::random((s.trans_a ? k : m) * s.lda, 1);
      const Array<float> b = Array<float>::random((s.trans_b ? n : k) * s.ldb, 2);
      const Array<float> bias = Array<float>::random(n, 3), before = Array<float>::random(m * s.ldc, 4);
      std::vector<double> want;
      for (i64 i = 0; i < m; ++i) {
        for (i64 j = 0; j < s.ldc; ++j) {
          double sum = j >= n || s.accumulate ? d(before[i * s.ldc + j]) : 0;
          for (i64 p = 0; p < k && j < n; ++p) {
            sum += d(a[s.trans_a ? p * s.lda + i : i * s.lda + p]) * d(b[s.trans_b ? j * s.ldb + p : p * s.ldb + j]);
          }
          if (with_bias && j < n) sum += d(bias[j]);
          want.push_back(relu && j < n ? std::max(sum, 0.0) : sum);
        }
      }
      for (const int parts : {1, 2}) {
        Array<float> c = before;
        ASSERT_TRUE(multiply(kernels, s, parts, a.data(), b.data(), c.data(), with_bias ? bias.data() : nullptr,
                             relu ? Activation::relu : Activation::none));
        expect_accuracy(c, want, parts, what);
      }
    }
  }
}

TEST_P(Bf16, SplittingRowsAndColumnsGivesTheSameBits) {
  const i64 m = 37, n = 50, k = 800;
  const Array<float> a = Array<float>::random(m * k, 1), b = Array<float>::random(k * n, 2);
  for (const int parts : {1, 2}) {
    Array<float> whole(m * n), pieces(m * n);
    const GemmShape s = shape(m, n, k, 0);
    ASSERT_TRUE(multiply(kernels, s, parts, a.data(), b.data(), whole.data()));
    for (const auto& [top, bottom] : {std::pair<i64, i64>{0, 5}, {5, m}}) {
      for (const auto& [left, right] : {std::pair<i64, i64>{0, 40}, {40, n}}) {
        GemmShape piece = s;
        piece.m = bottom - top;
        piece.n = right - left;
        ASSERT_TRUE(
            multiply(kernels, piece, parts, a.data() + top * k, b.data() + left, pieces.data() + top * n + left));
      }
    }
    expect_same_bits(whole, pieces, "pieces");
  }
}

// What bfloat16 cannot hold is for the caller to compute in float32; a result that is added to is left alone.
TEST_P(Bf16, NumbersThatAreNotFiniteAreRefused) {
  for (const float special : {std::nanf(""), INFINITY, -INFINITY, 3.4e38f, -3.4e38f}) {
    for (int flags = 0; flags < 8; ++flags) {
      const GemmShape s = shape(40, 50, 70, flags);
      for (const bool in_a : {true, false}) {
        Array<float> a(40 * 70, 1.0f), b(70 * 50, 1.0f), c(40 * 50, 3.0f);
        (in_a ? a[a.size() - 1] : b[b.size() - 1]) = special;
        for (const int parts : {1, 2}) EXPECT_FALSE(multiply(kernels, s, parts, a.data(), b.data(), c.data()));
        if (s.accumulate) {
          EXPECT_EQ(c[0], 3.0f);
        }
      }
    }
  }
  Array<float> a(40 * 70, 3.38e38f), b(70 * 50, 1e-30f), c(40 * 50);
  EXPECT_TRUE(multiply(kernels, shape(40, 50, 70, 0), 2, a.data(), b.data(), c.data()));
  EXPECT_NEAR(d(c[0]) / (70 * 3.38e8), 1, 1e-4);
}

// A result beyond float32's range is not finite at any level; as two parts it may be NaN, where float32 has infinity.
TEST_P(Bf16, ResultsThatAreTooLargeAreNotFinite) {
  const Array<float> a(40 * 70, 1e25f), b(70 * 50, 1e25f);
  for (const int parts : {1, 2}) {
    Array<float> c(40 * 50);
    ASSERT_TRUE(multiply(kernels, shape(40, 50, 70, 0), parts, a.data(), b.data(), c.data()));
    for (i64 i = 0; i < c.size(); ++i) ASSERT_FALSE(std::isfinite(c[i])) << parts << " parts";
    if (parts == 1) {
      EXPECT_EQ(c[0], INFINITY);
    }
  }
}

WindowShape window(i64 n, i64 h, i64 w, i64 c, i64 kh, i64 kw, i64 f, i64 stride = 1, i64 pad = 0) {
  return {.n = n,
          .h = h,
          .w = w,
          .c = c,
          .kh = kh,
          .kw = kw,
          .oh = (h + 2 * pad - kh) / stride + 1,
          .ow = (w + 2 * pad - kw) / stride + 1,
          .f = f,
          .stride_h = stride,
          .stride_w = stride,
          .pad_top = pad,
          .pad_left = pad};
}

std::vector<WindowShape> windows() {
  std::vector<WindowShape> result = {
      window(3, 7, 6, 8, 3, 3, 16),           // no borders
      window(2, 13, 11, 6, 3, 3, 34, 1, 1),   // borders, a panel and a bit
      window(2, 9, 9, 5, 3, 2, 18, 2, 1),     // strides, an odd row
      window(2, 6, 35, 4, 1, 1, 20),          // a plain product, lines longer than tiles
      window(2, 7, 7, 16, 1, 1, 16, 2),       // 1x1 with strides
      window(1, 3, 3, 4, 5, 5, 16, 1, 2),     // the kernel is larger than the image
      window(1, 40, 40, 20, 3, 3, 18, 1, 1),  // several bands of lines
      window(3, 5, 1, 3, 1, 1, 2),
  };
  WindowShape lopsided = window(2, 4, 40, 3, 1, 11, 4);
  lopsided.pad_left = 5;
  lopsided.ow = 40;
  result.push_back(lopsided);
  return result;
}

// f(index in x, index in the kernel, index in y) for every product the convolution adds up.
template <class F>
void for_products(const WindowShape& s, F&& f) {
  for (i64 n = 0; n < s.n; ++n) {
    for (i64 oy = 0; oy < s.oh; ++oy) {
      for (i64 ox = 0; ox < s.ow; ++ox) {
        for (i64 tap = 0; tap < s.kh * s.kw; ++tap) {
          const i64 y = oy * s.stride_h - s.pad_top + tap / s.kw, x = ox * s.stride_w - s.pad_left + tap % s.kw;
          if (y < 0 || y >= s.h || x < 0 || x >= s.w) continue;
          for (i64 in = 0; in < s.c; ++in) {
            for (i64 out = 0; out < s.f; ++out) {
              f(((n * s.h + y) * s.w + x) * s.c + in, (tap * s.c + in) * s.f + out,
                ((n * s.oh + oy) * s.ow + ox) * s.f + out);
            }
          }
        }
      }
    }
  }
}

// Each direction runs two ranges of images: the pieces must fit together.
TEST_P(Bf16, ConvolutionsAgreeWithNaiveLoops) {
  for (const WindowShape& s : windows()) {
    const std::string what = std::to_string(s.h) + "x" + std::to_string(s.w) + "x" + std::to_string(s.c) + ", kernel " +
                             std::to_string(s.kh) + "x" + std::to_string(s.kw) + "x" + std::to_string(s.f);
    const Array<float> x = Array<float>::random(s.n * s.h * s.w * s.c, 1);
    const Array<float> kernel = Array<float>::random(s.kh * s.kw * s.c * s.f, 2);
    const Array<float> dy = Array<float>::random(s.n * s.oh * s.ow * s.f, 3), bias = Array<float>::random(s.f, 4);
    std::vector<double> y(u(dy.size())), dx(u(x.size())), dkernel(u(kernel.size()), 0.5);
    for_products(s, [&](i64 in, i64 k, i64 out) {
      y[u(out)] += d(x[in]) * d(kernel[k]);
      dx[u(in)] += d(dy[out]) * d(kernel[k]);
      dkernel[u(k)] += d(x[in]) * d(dy[out]);
    });
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = std::max(0.0, y[i] + d(bias[static_cast<i64>(i) % s.f]));
    for (const int parts : {1, 2}) {
      for (const bool turned : {false, true}) {
        if (turned && (s.stride_h > 1 || s.f % 2 != 0)) continue;
        const Bf16Conv conv{s, parts, turned};
        Array<char> filters(static_cast<i64>(kernels.conv_filter_bytes(conv)), 'x');
        Array<char> workspace(static_cast<i64>(kernels.conv_workspace(conv)), -1);
        Array<float> result(turned ? x.size() : dy.size(), 9.0f);
        ASSERT_TRUE(kernels.conv_pack(conv, kernel.data(), filters.data()));
        for (const auto& [n0, n1] : {std::pair{i64{0}, s.n / 2}, std::pair{s.n / 2, s.n}}) {
          ASSERT_TRUE(kernels.conv(conv, n0, n1, turned ? dy.data() : x.data(), filters.data(),
                                   turned ? nullptr : bias.data(), turned ? Activation::none : Activation::relu,
                                   result.data(), workspace.data()));
        }
        expect_accuracy(result, turned ? dx : y, parts, what + (turned ? ", input's gradient" : ""));
      }
      const Bf16Conv conv{s, parts, false};
      Array<char> workspace(static_cast<i64>(kernels.conv_kernel_gradient_workspace(conv)), -1);
      Array<float> result(kernel.size(), 0.5f);
      for (const auto& [n0, n1] : {std::pair{i64{0}, s.n / 2}, std::pair{s.n / 2, s.n}}) {
        ASSERT_TRUE(kernels.conv_kernel_gradient(conv, n0, n1, x.data(), dy.data(), result.data(), workspace.data()));
      }
      expect_accuracy(result, dkernel, parts, what + ", kernel's gradient");
    }
  }
}

TEST_P(Bf16, ConvolutionsRefuseWhatIsNotFinite) {
  const WindowShape s = window(2, 6, 6, 8, 3, 3, 16, 1, 1);
  Array<float> x(s.n * 36 * 8, 1.0f), dy(s.n * 36 * 16, 1.0f), kernel(9 * 8 * 16, 1.0f), y(dy.size()),
      dk(kernel.size());
  const Bf16Conv conv{s, 1, false};
  Array<char> filters(static_cast<i64>(kernels.conv_filter_bytes(conv)));
  Array<char> workspace(static_cast<i64>(kernels.conv_workspace(conv)));
  Array<char> more(static_cast<i64>(kernels.conv_kernel_gradient_workspace(conv)));
  EXPECT_TRUE(kernels.conv_pack(conv, kernel.data(), filters.data()));
  x[x.size() - 1] = INFINITY;
  EXPECT_FALSE(
      kernels.conv(conv, 0, 2, x.data(), filters.data(), nullptr, Activation::none, y.data(), workspace.data()));
  EXPECT_FALSE(kernels.conv_kernel_gradient(conv, 0, 2, x.data(), dy.data(), dk.data(), more.data()));
  EXPECT_EQ(dk[0], 0.0f);
  kernel[5] = 3.4e38f;
  EXPECT_FALSE(kernels.conv_pack(conv, kernel.data(), filters.data()));
}

#if defined(__x86_64__)
// The code for AMX, instruction by instruction, beside the same algorithm in plain C++: the same bits.
TEST(Bf16Units, AmxDoesWhatThePortableUnitDoes) {
  const std::vector<Bf16Unit> all = supported_bf16_units();
  if (std::find(all.begin(), all.end(), Bf16Unit::avx512) == all.end()) {
    GTEST_SKIP() << "packing for AMX needs AVX512_BF16";
  }
  if (std::find(all.begin(), all.end(), Bf16Unit::amx) != all.end()) {
    GTEST_SKIP() << "there is AMX: its sums may be rounded in another order";
  }
  const testing::AmxEmulator emulator;
  const Bf16Kernels &amx = bf16_amx::bf16_table(), &portable = bf16_kernels(Bf16Unit::portable);
  for (const auto& [m, n, k] : {std::tuple{1, 1, 1}, {33, 65, 40}, {64, 48, 300}, {5, 17, 600}}) {
    for (int flags = 0; flags < 8; ++flags) {
      const GemmShape s = shape(m, n, k, flags);
      const Array<float> a = Array<float>::random(m * k, 1), b = Array<float>::random(k * n, 2);
      const Array<float> before = Array<float>::random(m * n, 3), bias = Array<float>::random(n, 4);
      for (const int parts : {1, 2}) {
        Array<float> c = before, want = before;
        ASSERT_TRUE(multiply(amx, s, parts, a.data(), b.data(), c.data(), bias.data(), Activation::relu));
        ASSERT_TRUE(multiply(portable, s, parts, a.data(), b.data(), want.data(), bias.data(), Activation::relu));
        expect_same_bits(c, want, "product");
      }
    }
  }
  for (const WindowShape& s : {window(2, 13, 11, 6, 3, 3, 34, 1, 1), window(2, 9, 9, 5, 3, 2, 18, 2, 1)}) {
    const Array<float> x = Array<float>::random(s.n * s.h * s.w * s.c, 1);
    const Array<float> kernel = Array<float>::random(s.kh * s.kw * s.c * s.f, 2);
    const Array<float> dy = Array<float>::random(s.n * s.oh * s.ow * s.f, 3);
    for (const int parts : {1, 2}) {
      Array<float> y[2] = {Array<float>(dy.size()), Array<float>(dy.size())};
      Array<float> dk[2] = {Array<float>(kernel.size()), Array<float>(kernel.size())};
      const Bf16Conv conv{s, parts, false};
      for (const bool emulated : {false, true}) {
        const Bf16Kernels& unit = emulated ? amx : portable;
        Array<char> filters(static_cast<i64>(unit.conv_filter_bytes(conv)));
        Array<char> workspace(static_cast<i64>(unit.conv_workspace(conv)));
        Array<char> more(static_cast<i64>(unit.conv_kernel_gradient_workspace(conv)));
        ASSERT_TRUE(unit.conv_pack(conv, kernel.data(), filters.data()));
        ASSERT_TRUE(unit.conv(conv, 0, s.n, x.data(), filters.data(), nullptr, Activation::none, y[emulated].data(),
                              workspace.data()));
        ASSERT_TRUE(unit.conv_kernel_gradient(conv, 0, s.n, x.data(), dy.data(), dk[emulated].data(), more.data()));
      }
      expect_same_bits(y[1], y[0], "convolution");
      expect_same_bits(dk[1], dk[0], "kernel's gradient");
    }
  }
  EXPECT_GT(testing::AmxEmulator::products(), 1000);
}
#endif

TEST(Bf16Units, AreChosenByTheProcessorOrByName) {
  const std::vector<Bf16Unit> all = supported_bf16_units();
  EXPECT_EQ(choose_bf16_unit("off"), Bf16Unit::off);
  EXPECT_EQ(choose_bf16_unit("portable"), Bf16Unit::portable);
  EXPECT_EQ(choose_bf16_unit(""), choose_bf16_unit("auto"));
  EXPECT_NE(choose_bf16_unit(""), Bf16Unit::portable);
  EXPECT_THROW(choose_bf16_unit("tpu"), InvalidArgument);
  for (const Bf16Unit unit : {Bf16Unit::avx512, Bf16Unit::amx}) {
    if (std::find(all.begin(), all.end(), unit) != all.end()) {
      EXPECT_EQ(choose_bf16_unit(name_of(unit)), unit);
    } else {
      EXPECT_THROW(choose_bf16_unit(name_of(unit)), InvalidArgument);
      EXPECT_THROW(bf16_kernels(unit), InvalidArgument);
    }
  }
}

TEST(Bf16Units, LevelsOfPrecision) {
  EXPECT_FALSE(low_precision(Precision::highest, Bf16Unit::portable));
  EXPECT_FALSE(low_precision(Precision::medium, Bf16Unit::off));
  EXPECT_EQ(low_precision(Precision::high, Bf16Unit::portable).parts, 2);
  EXPECT_EQ(low_precision(Precision::medium, Bf16Unit::portable).parts, 1);
  const std::vector<Bf16Unit> all = supported_bf16_units();
  if (std::find(all.begin(), all.end(), Bf16Unit::avx512) == all.end()) GTEST_SKIP() << "no AVX512_BF16";
  EXPECT_FALSE(low_precision(Precision::high, Bf16Unit::avx512)) << "three products would be slower than float32";
  EXPECT_EQ(low_precision(Precision::medium, Bf16Unit::avx512).parts, 1);
}

// ---- through the public interface
// ------------------------------------------------------------------------------------

// With what this processor has; ctest runs these tests with KERATIN_CPU_BF16=portable, too.
class LowPrecisions : public ::testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    if (!low_precision(GetParam())) GTEST_SKIP() << "means highest: this processor has nothing for it";
  }
  void TearDown() override { set_float32_precision(Precision::highest); }

  template <class F>
  static Tensor at(Precision precision, F&& f) {
    set_float32_precision(precision);
    return f();
  }
  static void expect_same(const Tensor& a, const Tensor& b) {
    ASSERT_EQ(a.bytes(), b.bytes());
    EXPECT_EQ(std::memcmp(a.raw(), b.raw(), a.bytes()), 0);
  }
  // Equal but for roundings to one bfloat16 or two.
  static void expect_rounded(const Tensor& highest, const Tensor& low) {
    double error = 0, size = 0;
    for (std::int64_t i = 0; i < highest.size(); ++i) {
      const double a = d(highest.values<float>()[u(i)]), b = d(low.values<float>()[u(i)]);
      error += (a - b) * (a - b);
      size += a * a;
    }
    const bool one = GetParam() == Precision::medium;
    EXPECT_LT(std::sqrt(error / size), one ? 5e-3 : 1e-5);
    EXPECT_GT(std::sqrt(error / size), one ? 1e-4 : 1e-6);
  }
  DeviceScope scope{"cpu"};
};

TEST_P(LowPrecisions, RoundProductsAndConvolutionsHoweverTheyAreCut) {
  using cpu_test::random_tensor;
  const Tensor a = random_tensor({2, 150, 300}), b = random_tensor({300, 130}), c = random_tensor({130, 90});
  const Tensor x = random_tensor({6, 20, 20, 16}), kernel = random_tensor({3, 3, 16, 32});
  Tensor infinite = random_tensor({2, 150, 300});
  infinite.values<float>()[77] = INFINITY;
  const std::function<Tensor()> works[] = {
      [&] { return Tensor(ops::matmul(a, b)); },
      [&] { return Tensor(ops::matmul(c, b, {.transpose_a = true, .transpose_b = true})); },
      [&] {
        return Tensor(ops::conv2d(x, kernel, {.padding = {{1, 1}, {1, 1}}}));
      }};
  for (const auto& work : works) {
    const Tensor highest = at(Precision::highest, work), low = at(GetParam(), work);
    expect_rounded(highest, low);
    for (const int threads : {1, 2, 3}) {
      const cpu_test::Threads count(threads);
      expect_same(low, work());
    }
    expect_same(highest, at(Precision::highest, work));
  }
  const auto product = [&] { return Tensor(ops::matmul(infinite, b)); };
  expect_same(at(Precision::highest, product), at(GetParam(), product));
}

// Batch normalisation, a sum and relu behind a convolution are float32, whether they are one kernel with it or not.
TEST_P(LowPrecisions, NormalizeConvolutionsAsSeparateOpsDo) {
  using cpu_test::random_tensor;
  const Conv2DAttrs padded{.padding = {{1, 1}, {1, 1}}};
  const Tensor kernel = random_tensor({3, 3, 16, 32}), bias = random_tensor({32}), scale = random_tensor({32}),
               shift = random_tensor({32});
  for (const Shape& shape : {Shape{6, 20, 20, 16}, Shape{1, 40, 40, 16}}) {  // runs of images; bands of one
    for (const bool infinite : {false, true}) {
      Tensor x = random_tensor(shape);
      if (infinite) x.values<float>()[77] = INFINITY;
      const Tensor more = random_tensor({shape[0], shape[1], shape[2], 32});
      const auto finished = [&](const Value& y) { return Tensor(ops::relu((y + bias) * scale + shift + more)); };
      const auto whole = [&] { return finished(ops::conv2d(x, kernel, padded)); };
      const auto parts = [&] { return finished(Tensor(ops::conv2d(x, kernel, padded))); };
      for (const int threads : {1, 2, 3}) {
        const cpu_test::Threads count(threads);
        expect_same(at(GetParam(), parts), at(GetParam(), whole));
      }
    }
  }
}

TEST_P(LowPrecisions, TrainAsHighestDoes) {
  // Noise, and a bright bar at the label's place.
  constexpr std::int64_t kImages = 512;
  Tensor x = cpu_test::random_tensor({kImages, 28, 28, 1}, DType::float32, 0, 1), y({kImages}, DType::int32);
  for (std::int64_t i = 0; i < kImages; ++i) {
    const std::int64_t label = i * 7 % 10;
    y.values<std::int32_t>()[u(i)] = static_cast<std::int32_t>(label);
    for (std::int64_t j = 0; j < 56; ++j) x.values<float>()[u((i * 28 + 4 + 2 * label) * 28 + j)] += 0.7f;
  }
  const auto learn = [&](Precision precision) {
    set_float32_precision(precision);
    set_random_seed(5);
    Sequential model({Input({28, 28, 1}), Conv2D(16, {3, 3}, {.strides = {2, 2}}),
                      Conv2D(32, {3, 3}, {.activation = "relu"}), MaxPooling2D({2, 2}), Flatten(),
                      Dense(64, {.activation = "relu"}), Dense(10, {.activation = "softmax"})});
    model.compile("adam", "sparse_categorical_crossentropy");
    return model.fit(x, y, {.batch_size = 64, .epochs = 3, .verbose = 0})["loss"];
  };
  const std::vector<double> highest = learn(Precision::highest), low = learn(GetParam());
  EXPECT_NE(highest, low);
  EXPECT_EQ(highest, learn(Precision::highest));
  EXPECT_LT(low.back(), 0.7 * low.front());
  for (std::size_t i = 0; i < highest.size(); ++i) EXPECT_NEAR(low[i], highest[i], 0.05 * highest[i] + 0.01);
}

INSTANTIATE_TEST_SUITE_P(Levels, LowPrecisions, ::testing::Values(Precision::high, Precision::medium),
                         [](const auto& info) { return info.param == Precision::high ? "high" : "medium"; });

}  // namespace
}  // namespace keratin::cpu
