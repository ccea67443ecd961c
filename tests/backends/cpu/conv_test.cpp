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

KERATIN_KERNEL_TESTS(ConvKernels);

// Sizes of x and kernel, then the output size; strides, padding and the rest by name.
WindowShape shape(i64 n, i64 h, i64 w, i64 c, i64 kh, i64 kw, i64 f, i64 stride = 1, i64 pad = 0, i64 dilation = 1,
                  i64 groups = 1) {
  const auto out = [&](i64 in, i64 k) { return (in + 2 * pad - ((k - 1) * dilation + 1)) / stride + 1; };
  return {.n = n,
          .h = h,
          .w = w,
          .c = c,
          .kh = kh,
          .kw = kw,
          .oh = out(h, kh),
          .ow = out(w, kw),
          .f = f,
          .stride_h = stride,
          .stride_w = stride,
          .pad_top = pad,
          .pad_left = pad,
          .dilation_h = dilation,
          .dilation_w = dilation,
          .groups = groups};
}

std::vector<WindowShape> shapes() {
  std::vector<WindowShape> result = {
      shape(3, 7, 6, 1, 3, 3, 8),               // one channel
      shape(2, 5, 5, 3, 3, 3, 4, 1, 1),         // padded
      shape(2, 8, 9, 4, 3, 2, 5, 2, 1),         // strides
      shape(4, 6, 6, 5, 1, 1, 7),               // a plain product
      shape(2, 6, 6, 3, 1, 1, 2, 2),            // 1x1 with strides
      shape(1, 9, 9, 2, 3, 3, 3, 1, 0, 2),      // dilation
      shape(2, 7, 7, 4, 3, 3, 6, 1, 1, 1, 2),   // groups
      shape(2, 6, 5, 6, 3, 3, 12, 1, 1, 1, 6),  // depthwise, two filters per channel
      shape(2, 6, 5, 19, 3, 3, 19, 2, 1, 1, 19),
      shape(2, 6, 6, 4, 1, 1, 8, 1, 0, 1, 4),
      shape(2, 12, 11, 20, 3, 3, 34),
      shape(2, 3, 3, 2, 5, 5, 3, 1, 2),  // the kernel is larger than the image
      shape(5, 1, 1, 3, 1, 1, 2),
      shape(2, 26, 13, 16, 3, 3, 33, 1, 1),
      shape(2, 13, 20, 3, 3, 3, 6, 2, 1),     // few channels with strides
      shape(2, 9, 30, 1, 5, 5, 33, 1, 2),     // one channel, padded
      shape(3, 20, 19, 2, 3, 3, 4, 3, 2, 2),  // few channels, strides and dilation
      shape(4, 40, 40, 1, 3, 3, 32),          // several tiles
      shape(0, 5, 5, 3, 3, 3, 4),
      shape(2, 11, 10, 8, 3, 3, 16, 1, 1),   // straight from the image in all directions: whole vectors of filters
      shape(2, 12, 13, 5, 3, 4, 48, 2, 1),   // with strides
      shape(1, 9, 9, 8, 5, 5, 32, 1, 2),     // wide borders
      shape(1, 24, 60, 12, 3, 3, 16, 1, 1),  // several bands of lines
      shape(2, 6, 40, 18, 2, 3, 40, 3, 0),   // rows and columns that no window sees
      shape(3, 7, 9, 33, 3, 3, 40, 1, 1),    // column by column: borders at both sides,
      shape(2, 4, 5, 32, 3, 3, 32, 1, 1),
      shape(2, 5, 10, 32, 3, 3, 17, 1, 2),  // wide ones,
      shape(2, 2, 3, 32, 3, 2, 16, 1, 4),   // and pixels that see nothing else
  };
  WindowShape lopsided = shape(2, 4, 40, 3, 1, 11, 3);
  lopsided.stride_w = 2;
  lopsided.pad_left = 5;
  lopsided.ow = 20;
  lopsided.dilation_h = 3;
  result.push_back(lopsided);
  return result;
}

std::string describe(const WindowShape& s) {
  return std::to_string(s.n) + "x" + std::to_string(s.h) + "x" + std::to_string(s.w) + "x" + std::to_string(s.c) +
         " kernel " + std::to_string(s.kh) + "x" + std::to_string(s.kw) + "x" + std::to_string(s.f) + " groups " +
         std::to_string(s.groups);
}

// f(index in x, index in the kernel, index in y) for every product the convolution adds up.
template <class F>
void for_products(const WindowShape& s, F&& f) {
  const i64 channels = s.c / s.groups, filters = s.f / s.groups;
  const auto at = [&](i64 n, i64 oy, i64 ox, i64 ky, i64 kx) {
    const i64 y = oy * s.stride_h - s.pad_top + ky * s.dilation_h;
    const i64 x = ox * s.stride_w - s.pad_left + kx * s.dilation_w;
    if (y < 0 || y >= s.h || x < 0 || x >= s.w) return;
    for (i64 out = 0; out < s.f; ++out) {
      for (i64 in = 0; in < channels; ++in) {
        f(((n * s.h + y) * s.w + x) * s.c + out / filters * channels + in,
          ((ky * s.kw + kx) * channels + in) * s.f + out, ((n * s.oh + oy) * s.ow + ox) * s.f + out);
      }
    }
  };
  for (i64 n = 0; n < s.n; ++n) {
    for (i64 oy = 0; oy < s.oh; ++oy) {
      for (i64 ox = 0; ox < s.ow; ++ox) {
        for (i64 ky = 0; ky < s.kh; ++ky) {
          for (i64 kx = 0; kx < s.kw; ++kx) at(n, oy, ox, ky, kx);
        }
      }
    }
  }
}

template <class T>
struct Data {
  explicit Data(const WindowShape& s)
      : x(Array<T>::random(s.n * s.h * s.w * s.c, 1)),
        kernel(Array<T>::random(s.kh * s.kw * (s.c / s.groups) * s.f, 2)),
        y(Array<T>::random(s.n * s.oh * s.ow * s.f, 3)),
        bias(Array<T>::random(s.f, 4)) {}
  Array<T> x, kernel, y, bias;
};

// Each test runs two ranges of images: the pieces must fit together.

TEST_P(ConvKernels, Forward) {
  for (const WindowShape& s : shapes()) {
    for_floats([&]<class T>(T) {
      Data<T> data(s);
      std::vector<double> want(u(data.y.size()));
      for_products(s, [&](i64 x, i64 k, i64 y) { want[u(y)] += d(data.x[x]) * d(data.kernel[k]); });
      const FloatKernels<T>& kernels = floats<T>(simd);
      Array<char> workspace(static_cast<i64>(kernels.conv_workspace(s)));
      const auto run = [&](const T* bias, Activation activation) {
        for (const auto& [n0, n1] : {std::pair{i64{0}, s.n / 2}, std::pair{s.n / 2, s.n}}) {
          kernels.conv_forward(s, n0, n1, data.x.data(), data.kernel.data(), bias, activation, data.y.data(),
                               workspace.data());
        }
        expect_near(data.y, want, kEps<T> * 400, describe(s));
      };
      run(nullptr, Activation::none);
      for (std::size_t i = 0; i < want.size(); ++i) {
        want[i] = std::max(0.0, want[i] + d(data.bias[static_cast<i64>(i) % s.f]));
      }
      run(data.bias.data(), Activation::relu);
    });
  }
}

TEST_P(ConvKernels, InputGradient) {
  for (const WindowShape& s : shapes()) {
    for_floats([&]<class T>(T) {
      Data<T> data(s);
      std::vector<double> want(u(data.x.size()));
      for_products(s, [&](i64 x, i64 k, i64 y) { want[u(x)] += d(data.y[y]) * d(data.kernel[k]); });
      const FloatKernels<T>& kernels = floats<T>(simd);
      Array<char> workspace(static_cast<i64>(kernels.conv_workspace(s)));
      for (const auto& [n0, n1] : {std::pair{s.n / 2, s.n}, std::pair{i64{0}, s.n / 2}}) {
        kernels.conv_input_gradient(s, n0, n1, data.y.data(), data.kernel.data(), data.x.data(), workspace.data());
      }
      expect_near(data.x, want, kEps<T> * 400, describe(s));
    });
  }
}

TEST_P(ConvKernels, KernelGradientAddsUp) {
  for (const WindowShape& s : shapes()) {
    for_floats([&]<class T>(T) {
      Data<T> data(s);
      std::vector<double> want;
      for (i64 i = 0; i < data.kernel.size(); ++i) want.push_back(d(data.kernel[i]));
      for_products(s, [&](i64 x, i64 k, i64 y) { want[u(k)] += d(data.x[x]) * d(data.y[y]); });
      const FloatKernels<T>& kernels = floats<T>(simd);
      Array<char> workspace(static_cast<i64>(kernels.conv_workspace(s)));
      for (const auto& [n0, n1] : {std::pair{i64{0}, s.n / 2}, std::pair{s.n / 2, s.n}}) {
        kernels.conv_kernel_gradient(s, n0, n1, data.x.data(), data.y.data(), data.kernel.data(), workspace.data());
      }
      expect_near(data.kernel, want, kEps<T> * 4000, describe(s));
    });
  }
}

}  // namespace
}  // namespace keratin::cpu
