#include "tests/backends/cpu/kernels.h"

namespace keratin::cpu {
namespace {

using testing::Array;
using testing::d;
using testing::expect_near;
using testing::floats;
using testing::for_floats;
using testing::kEps;
using testing::u;

KERATIN_KERNEL_TESTS(PoolKernels);

const WindowShape kShapes[] = {
    {.n = 2, .h = 6, .w = 6, .c = 3, .kh = 2, .kw = 2, .oh = 3, .ow = 3, .stride_h = 2, .stride_w = 2},
    {.n = 3, .h = 5, .w = 7, .c = 17, .kh = 3, .kw = 2, .oh = 3, .ow = 4, .stride_h = 2, .stride_w = 2, .pad_top = 1},
    {.n = 1, .h = 5, .w = 5, .c = 70, .kh = 3, .kw = 3, .oh = 5, .ow = 5, .pad_top = 1, .pad_left = 1},
    {.n = 2, .h = 4, .w = 3, .c = 1, .kh = 4, .kw = 3, .oh = 1, .ow = 1, .stride_h = 4, .stride_w = 3},
    {.n = 2, .h = 5, .w = 5, .c = 32, .kh = 2, .kw = 2, .oh = 2, .ow = 2, .stride_h = 2, .stride_w = 2},
    {.n = 0, .h = 4, .w = 4, .c = 2, .kh = 2, .kw = 2, .oh = 2, .ow = 2, .stride_h = 2, .stride_w = 2},
};

// f(index in y, indices of its window's pixels inside the image)
template <class F>
void for_windows(const WindowShape& s, F&& f) {
  const auto window_at = [&](i64 n, i64 oy, i64 ox, i64 c) {
    std::vector<i64> window;
    for (i64 ky = 0; ky < s.kh; ++ky) {
      for (i64 kx = 0; kx < s.kw; ++kx) {
        const i64 y = oy * s.stride_h - s.pad_top + ky, x = ox * s.stride_w - s.pad_left + kx;
        if (y >= 0 && y < s.h && x >= 0 && x < s.w) window.push_back(((n * s.h + y) * s.w + x) * s.c + c);
      }
    }
    return window;
  };
  for (i64 n = 0; n < s.n; ++n) {
    for (i64 oy = 0; oy < s.oh; ++oy) {
      for (i64 ox = 0; ox < s.ow; ++ox) {
        for (i64 c = 0; c < s.c; ++c) f(((n * s.oh + oy) * s.ow + ox) * s.c + c, window_at(n, oy, ox, c));
      }
    }
  }
}

TEST_P(PoolKernels, MaxAndItsGradient) {
  for (const WindowShape& s : kShapes) {
    for_floats([&]<class T>(T) {
      // Few different values: ties are common, and the first one must win.
      Array<T> x = Array<T>::random(s.n * s.h * s.w * s.c, 1, -3, 3);
      for (i64 i = 0; i < x.size(); ++i) x[i] = std::round(x[i]);
      const Array<T> dy = Array<T>::random(s.n * s.oh * s.ow * s.c, 2);
      std::vector<double> want(u(dy.size())), gradient(u(x.size()));
      for_windows(s, [&](i64 y, const std::vector<i64>& window) {
        i64 best = window.front();
        for (const i64 i : window) best = x[i] > x[best] ? i : best;
        want[u(y)] = d(x[best]);
        gradient[u(best)] += d(dy[y]);
      });
      Array<T> y(dy.size(), T{5}), dx(x.size(), T{5});
      const FloatKernels<T>& kernels = floats<T>(simd);
      kernels.max_pool(s, 0, s.n / 2, x.data(), y.data());
      kernels.max_pool(s, s.n / 2, s.n, x.data(), y.data());
      expect_near(y, want, 0, "max");
      kernels.max_pool_gradient(s, s.n / 2, s.n, x.data(), y.data(), dy.data(), dx.data());
      kernels.max_pool_gradient(s, 0, s.n / 2, x.data(), y.data(), dy.data(), dx.data());
      expect_near(dx, gradient, kEps<T> * 8, "max gradient");
    });
  }
}

TEST_P(PoolKernels, AverageCountsOnlyTheImage) {
  for (const WindowShape& s : kShapes) {
    for_floats([&]<class T>(T) {
      const Array<T> x = Array<T>::random(s.n * s.h * s.w * s.c, 1);
      const Array<T> dy = Array<T>::random(s.n * s.oh * s.ow * s.c, 2);
      std::vector<double> want(u(dy.size())), gradient(u(x.size()));
      for_windows(s, [&](i64 y, const std::vector<i64>& window) {
        for (const i64 i : window) {
          want[u(y)] += d(x[i]) / d(window.size());
          gradient[u(i)] += d(dy[y]) / d(window.size());
        }
      });
      Array<T> y(dy.size(), T{5}), dx(x.size(), T{5});
      const FloatKernels<T>& kernels = floats<T>(simd);
      kernels.average_pool(s, 0, s.n, x.data(), y.data());
      expect_near(y, want, kEps<T> * 8, "average");
      kernels.average_pool_gradient(s, 0, s.n / 2, dy.data(), dx.data());
      kernels.average_pool_gradient(s, s.n / 2, s.n, dy.data(), dx.data());
      expect_near(dx, gradient, kEps<T> * 8, "average gradient");
    });
  }
}

TEST_P(PoolKernels, ANaNIsTheMaximum) {
  const WindowShape s{.n = 1, .h = 1, .w = 3, .c = 1, .kh = 1, .kw = 3, .oh = 1, .ow = 1};
  for (i64 at = 0; at < 3; ++at) {
    Array<float> x{1, 2, 3};
    x[at] = std::nanf("");
    Array<float> y(1), dy{1}, dx(3);
    simd.f32.max_pool(s, 0, 1, x.data(), y.data());
    EXPECT_TRUE(std::isnan(y[0]));
    simd.f32.max_pool_gradient(s, 0, 1, x.data(), y.data(), dy.data(), dx.data());
    for (i64 i = 0; i < 3; ++i) EXPECT_EQ(dx[i], i == at ? 1.0f : 0.0f);
  }
}

}  // namespace
}  // namespace keratin::cpu
