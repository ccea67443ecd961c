// The CPU's own kernels beside their Eigen twins, in one process: products, and convolutions as im2col and Eigen's
// product, of each channel by itself where they are depthwise; and the products of the precisions below `highest`
// beside those of float32. Exits 1 when one of ours takes more than twice its twin's time, which no noise explains.
// ./dev bench --twins
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "keratin/backends/cpu/bf16.h"
#include "keratin/backends/cpu/isa.h"

#include "by_turns.h"

namespace {

using namespace keratin::cpu;
using keratin::Precision;
using keratin::WindowShape;
using namespace keratin::benchmarks;

constexpr double kLoss = 2.0;

int losses = 0;

void report(const std::string& name, double flops, const Times& times, bool right) {
  const double ratio = times.other / times.ours;
  const bool lost = ratio < 1 / kLoss;
  if (lost || !right) ++losses;
  std::printf("%-44s %8.1f %8.1f %7.2fx%s\n", name.c_str(), flops * 1e-9 / times.ours, flops * 1e-9 / times.other,
              ratio,
              !right ? "  DIFFERENT RESULTS"
              : lost ? "  LOST"
                     : "");
}

void product(const std::string& name, i64 m, i64 n, i64 k, bool trans_a, bool trans_b) {
  const GemmShape shape = plain_product(m, n, k, trans_a, trans_b);
  const Numbers a = numbers(m * k, 1), b = numbers(k * n, 2);
  Numbers c(static_cast<std::size_t>(m * n)), d = c;
  std::vector<char> workspace(simd().f32.gemm_workspace(shape));
  const auto run = [&](auto kernel, Numbers& to) {
    return [&, kernel] { kernel(shape, a.data(), b.data(), to.data(), nullptr, Activation::none, workspace.data()); };
  };
  const Times times = compare(run(simd().f32.gemm, c), run(simd().f32.gemm_eigen, d));
  report("product " + name, 2.0 * static_cast<double>(m * n * k), times, agree(c, d, k));
}

// A convolution by Eigen: its image patches as rows of a matrix. Padding becomes a part of the images first.
class PatchConvolution {
 public:
  explicit PatchConvolution(const WindowShape& shape)
      : s_(shape),
        high_((s_.oh - 1) * s_.stride_h + s_.kh),
        wide_((s_.ow - 1) * s_.stride_w + s_.kw),
        rows_(s_.n * s_.oh * s_.ow),
        depth_(s_.kh * s_.kw * s_.c),
        patches_(static_cast<std::size_t>(rows_ * depth_)),
        padded_(static_cast<std::size_t>(s_.n * high_ * wide_ * s_.c)),
        gradient_(padded_.size()) {
    for (const GemmShape& each : {forward_shape(), input_shape(), kernel_shape()}) {
      workspace_.resize(std::max(workspace_.size(), simd().f32.gemm_workspace(each)));
    }
  }

  void forward(const Numbers& x, const Numbers& kernel, Numbers& y) {
    gather(x);
    multiply(forward_shape(), patches_, kernel, y);
  }
  void input_gradient(const Numbers& dy, const Numbers& kernel, Numbers& dx) {
    multiply(input_shape(), dy, kernel, patches_);
    std::fill(gradient_.begin(), gradient_.end(), 0.0f);
    for_each_element([&](std::size_t patch, std::size_t image, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) gradient_[image + i] += patches_[patch + i];
    });
    std::fill(dx.begin(), dx.end(), 0.0f);  // a stride may leave pixels out
    for_each_line([&](std::size_t image, std::size_t padded, std::size_t count) {
      std::memcpy(&dx[image], &gradient_[padded], count * sizeof(float));
    });
  }
  void kernel_gradient(const Numbers& x, const Numbers& dy, Numbers& dkernel) {
    gather(x);
    multiply(kernel_shape(), patches_, dy, dkernel);
  }

 private:
  GemmShape forward_shape() const {
    return {.m = rows_, .n = s_.f, .k = depth_, .lda = depth_, .ldb = s_.f, .ldc = s_.f};
  }
  GemmShape input_shape() const {
    return {.m = rows_, .n = depth_, .k = s_.f, .lda = s_.f, .ldb = s_.f, .ldc = depth_, .trans_b = true};
  }
  GemmShape kernel_shape() const {
    return {.m = depth_, .n = s_.f, .k = rows_, .lda = depth_, .ldb = s_.f, .ldc = s_.f, .trans_a = true};
  }
  void multiply(const GemmShape& shape, const Numbers& a, const Numbers& b, Numbers& c) {
    simd().f32.gemm_eigen(shape, a.data(), b.data(), c.data(), nullptr, Activation::none, workspace_.data());
  }
  void gather(const Numbers& x) {
    for_each_line([&](std::size_t image, std::size_t padded, std::size_t count) {
      std::memcpy(&padded_[padded], &x[image], count * sizeof(float));
    });
    for_each_element([&](std::size_t patch, std::size_t image, std::size_t count) {
      std::memcpy(&patches_[patch], &padded_[image], count * sizeof(float));
    });
  }
  // Calls `f` with the places of every line of the images, as far as windows see it, without padding and with it.
  template <class F>
  void for_each_line(F f) const {
    const i64 lines = std::min(s_.h, high_ - s_.pad_top), pixels = std::min(s_.w, wide_ - s_.pad_left);
    for (i64 n = 0; n < s_.n; ++n) {
      for (i64 y = 0; y < lines; ++y) {
        f(static_cast<std::size_t>((n * s_.h + y) * s_.w * s_.c),
          static_cast<std::size_t>(((n * high_ + s_.pad_top + y) * wide_ + s_.pad_left) * s_.c),
          static_cast<std::size_t>(pixels * s_.c));
      }
    }
  }
  // Calls `f` with the places of every row of every patch, in the patches and in the padded images.
  template <class F>
  void for_each_element(F f) const {
    std::size_t patch = 0;
    const auto count = static_cast<std::size_t>(s_.kw * s_.c);
    for (i64 n = 0; n < s_.n; ++n) {
      for (i64 oy = 0; oy < s_.oh; ++oy) {
        for (i64 ox = 0; ox < s_.ow; ++ox) {
          for (i64 ky = 0; ky < s_.kh; ++ky, patch += count) {
            const i64 line = n * high_ + oy * s_.stride_h + ky;
            f(patch, static_cast<std::size_t>((line * wide_ + ox * s_.stride_w) * s_.c), count);
          }
        }
      }
    }
  }

  WindowShape s_;
  i64 high_, wide_, rows_, depth_;
  Numbers patches_, padded_, gradient_;  // the border of padded_ stays 0
  std::vector<char> workspace_;
};

constexpr i64 kImages = 8;

// Windows of 3x3 on eight square images.
WindowShape windows(i64 size, i64 c, i64 f, i64 stride, i64 pad) {
  const i64 out = (size + 2 * pad - 3) / stride + 1;
  return {.n = kImages,
          .h = size,
          .w = size,
          .c = c,
          .kh = 3,
          .kw = 3,
          .oh = out,
          .ow = out,
          .f = f,
          .stride_h = stride,
          .stride_w = stride,
          .pad_top = pad,
          .pad_left = pad};
}

// A convolution of as many groups as channels by Eigen: each channel as images of its own.
class PlaneConvolution {
 public:
  explicit PlaneConvolution(const WindowShape& s)
      : channels_(s.c),
        plane_(plane_of(s)),
        x_(images(s.h * s.w)),
        y_(images(s.oh * s.ow)),
        taps_(size_of(s.kh * s.kw)) {}

  void forward(const Numbers& x, const Numbers& kernel, Numbers& y) {
    for_each_plane(x, x_, kernel, taps_, y, y_, [&] { plane_.forward(x_, taps_, y_); });
  }
  void input_gradient(const Numbers& dy, const Numbers& kernel, Numbers& dx) {
    for_each_plane(dy, y_, kernel, taps_, dx, x_, [&] { plane_.input_gradient(y_, taps_, x_); });
  }
  void kernel_gradient(const Numbers& x, const Numbers& dy, Numbers& dkernel) {
    for_each_plane(x, x_, dy, y_, dkernel, taps_, [&] { plane_.kernel_gradient(x_, y_, taps_); });
  }

 private:
  template <class Compute>
  void for_each_plane(const Numbers& a, Numbers& plane_of_a, const Numbers& b, Numbers& plane_of_b, Numbers& result,
                      const Numbers& plane_of_result, Compute compute) {
    for (i64 c = 0; c < channels_; ++c) {
      take(a, c, plane_of_a);
      take(b, c, plane_of_b);
      compute();
      put(plane_of_result, c, result);
    }
  }
  static WindowShape plane_of(WindowShape s) {
    s.c = s.f = s.groups = 1;
    return s;
  }
  static std::size_t size_of(i64 count) { return static_cast<std::size_t>(count); }
  static Numbers images(i64 pixels) { return Numbers(size_of(kImages * pixels)); }
  // A channel of all pixels (of the filters: of all taps), and back.
  void take(const Numbers& all, i64 channel, Numbers& plane) const {
    for (std::size_t i = 0; i < plane.size(); ++i) plane[i] = all[i * size_of(channels_) + size_of(channel)];
  }
  void put(const Numbers& plane, i64 channel, Numbers& all) const {
    for (std::size_t i = 0; i < plane.size(); ++i) all[i * size_of(channels_) + size_of(channel)] = plane[i];
  }

  i64 channels_;
  PatchConvolution plane_;
  Numbers x_, y_, taps_;
};

// All directions beside their twin.
template <class Twin>
void convolution(const std::string& name, const WindowShape& s) {
  const i64 each = s.c / s.groups, pixels = s.n * s.oh * s.ow;
  const Numbers x = numbers(s.n * s.h * s.w * s.c, 1), kernel = numbers(s.kh * s.kw * each * s.f, 2),
                dy = numbers(pixels * s.f, 3);
  Numbers y(dy.size()), twin_y(dy.size()), dx(x.size()), twin_dx(x.size()), dk(kernel.size()), twin_dk(kernel.size());
  std::vector<char> workspace(simd().f32.conv_workspace(s));
  Twin twin(s);
  const FloatKernels<float>& own = simd().f32;
  const i64 taps = s.kh * s.kw;
  const double flops = 2.0 * static_cast<double>(pixels * s.f * taps * each);
  Times times = compare(
      [&] {
        own.conv_forward(s, 0, s.n, x.data(), kernel.data(), nullptr, Activation::none, y.data(), workspace.data());
      },
      [&] { twin.forward(x, kernel, twin_y); });
  report(name, flops, times, agree(y, twin_y, taps * each));
  times = compare([&] { own.conv_input_gradient(s, 0, s.n, dy.data(), kernel.data(), dx.data(), workspace.data()); },
                  [&] { twin.input_gradient(dy, kernel, twin_dx); });
  report("  its input's gradient", flops, times, agree(dx, twin_dx, taps * s.f / s.groups));
  times = compare(
      [&] {
        std::fill(dk.begin(), dk.end(), 0.0f);  // it adds
        own.conv_kernel_gradient(s, 0, s.n, x.data(), dy.data(), dk.data(), workspace.data());
      },
      [&] { twin.kernel_gradient(x, dy, twin_dk); });
  report("  its kernel's gradient", flops, times, agree(dk, twin_dk, pixels));
}

void convolution(const std::string& name, i64 size, i64 c, i64 f, i64 stride = 1, i64 pad = 0) {
  convolution<PatchConvolution>("convolution " + name, windows(size, c, f, stride, pad));
}

void depthwise(const std::string& name, i64 size, i64 c, i64 stride, i64 pad) {
  WindowShape s = windows(size, c, c, stride, pad);
  s.groups = c;
  convolution<PlaneConvolution>("depthwise " + name, s);
}

// ---- bfloat16 beside float32
// -----------------------------------------------------------------------------------------

void low_product(const LowPrecision& low, const std::string& name, i64 m, i64 n, i64 k, bool trans_a, bool trans_b) {
  const GemmShape shape = plain_product(m, n, k, trans_a, trans_b);
  const Numbers a = numbers(m * k, 1), b = numbers(k * n, 2);
  Numbers c(static_cast<std::size_t>(m * n)), d = c;
  std::vector<char> workspace(
      std::max(simd().f32.gemm_workspace(shape), low.kernels->gemm_workspace(shape, low.parts)));
  const Times times = compare(
      [&] {
        low.kernels->gemm(shape, low.parts, a.data(), b.data(), c.data(), nullptr, Activation::none, workspace.data());
      },
      [&] { simd().f32.gemm(shape, a.data(), b.data(), d.data(), nullptr, Activation::none, workspace.data()); });
  report("product " + name, 2.0 * static_cast<double>(m * n * k), times, agree(c, d, k, 1e-3f));
}

void low_convolution(const LowPrecision& low, const std::string& name, i64 size, i64 pad, i64 c, i64 f) {
  const WindowShape s = windows(size, c, f, 1, pad);
  const i64 out = s.oh;
  const Numbers x = numbers(s.n * size * size * c, 1), kernel = numbers(9 * c * f, 2),
                dy = numbers(s.n * out * out * f, 3);
  Numbers y(dy.size()), twin_y(dy.size()), dx(x.size()), twin_dx(x.size()), dk(kernel.size()), twin_dk(kernel.size());
  const Bf16Conv conv{s, low.parts, false}, turned{s, low.parts, true};
  const Bf16Kernels& own = *low.kernels;
  const FloatKernels<float>& f32 = simd().f32;
  std::vector<char> filters(std::max(own.conv_filter_bytes(conv), own.conv_filter_bytes(turned)));
  std::vector<char> workspace(std::max({f32.conv_workspace(s), own.conv_workspace(conv), own.conv_workspace(turned),
                                        own.conv_kernel_gradient_workspace(conv)}));
  const double flops = 2.0 * static_cast<double>(s.n * out * out * f * 9 * c);
  const auto forward = [&](const Bf16Conv& how, const Numbers& from, Numbers& to) {
    own.conv_pack(how, kernel.data(), filters.data());
    own.conv(how, 0, s.n, from.data(), filters.data(), nullptr, Activation::none, to.data(), workspace.data());
  };
  Times times = compare([&] { forward(conv, x, y); },
                        [&] {
                          f32.conv_forward(s, 0, s.n, x.data(), kernel.data(), nullptr, Activation::none, twin_y.data(),
                                           workspace.data());
                        });
  report("convolution " + name, flops, times, agree(y, twin_y, 9 * c, 1e-3f));
  times =
      compare([&] { forward(turned, dy, dx); },
              [&] { f32.conv_input_gradient(s, 0, s.n, dy.data(), kernel.data(), twin_dx.data(), workspace.data()); });
  report("  its input's gradient", flops, times, agree(dx, twin_dx, 9 * f, 1e-3f));
  times = compare(
      [&] {
        std::fill(dk.begin(), dk.end(), 0.0f);  // it adds
        own.conv_kernel_gradient(conv, 0, s.n, x.data(), dy.data(), dk.data(), workspace.data());
      },
      [&] {
        std::fill(twin_dk.begin(), twin_dk.end(), 0.0f);
        f32.conv_kernel_gradient(s, 0, s.n, x.data(), dy.data(), twin_dk.data(), workspace.data());
      });
  report("  its kernel's gradient", flops, times, agree(dk, twin_dk, s.n * out * out, 1e-3f));
}

void low_precisions() {
  for (const auto& [level, name] : {std::pair{Precision::high, "high"}, std::pair{Precision::medium, "medium"}}) {
    const LowPrecision low = low_precision(level);
    if (!low) {
      std::printf("\nprecision %s: as highest on this processor\n", name);
      continue;
    }
    std::printf("\n%-44s %8s %8s %8s\n", ("precision " + std::string(name) + ": " + low.name + ", GFLOP/s").c_str(),
                name, "float32", "ratio");
    low_product(low, "128x784, 784x128", 128, 128, 784, false, false);
    low_product(low, "784x128 transposed, 128x128", 784, 128, 128, true, false);
    low_product(low, "128x128, 784x128 transposed", 128, 784, 128, false, true);
    low_product(low, "128x1024, 1024x1024", 128, 1024, 1024, false, false);
    low_product(low, "128x1024, 1024x1024 transposed", 128, 1024, 1024, false, true);
    low_product(low, "1024x128 transposed, 128x1024", 1024, 1024, 128, true, false);
    low_product(low, "1024x1024, 1024x1024", 1024, 1024, 1024, false, false);
    low_product(low, "32x128, 128x512", 32, 512, 128, false, false);
    low_convolution(low, "3x3, 32x32x16 to 16, padded", 32, 1, 16, 16);
    low_convolution(low, "3x3, 16x16x32 to 32, padded", 16, 1, 32, 32);
    low_convolution(low, "3x3, 13x13x32 to 64", 13, 0, 32, 64);
    low_convolution(low, "3x3, 8x8x64 to 64, padded", 8, 1, 64, 64);
  }
}

}  // namespace

int main() {
  std::printf("%-44s %8s %8s %8s\n", (std::string(simd().name) + ", one thread, GFLOP/s").c_str(), "ours", "Eigen",
              "ratio");
  product("128x784, 784x128", 128, 128, 784, false, false);
  product("784x128 transposed, 128x128", 784, 128, 128, true, false);
  product("128x128, 784x128 transposed", 128, 784, 128, false, true);
  product("128x128, 128x10", 128, 10, 128, false, false);
  product("128x128 transposed, 128x10", 128, 10, 128, true, false);
  product("1x784, 784x128", 1, 128, 784, false, false);
  product("128x1024, 1024x1024", 128, 1024, 1024, false, false);
  product("64x128, 128x512: a step of an LSTM", 64, 512, 128, false, false);
  convolution("3x3, 28x28x1 to 32", 28, 1, 32);
  convolution("3x3, 32x32x3 to 16", 32, 3, 16);
  convolution("3x3, 32x32x16 to 16", 32, 16, 16);
  convolution("3x3, 13x13x32 to 64", 13, 32, 64);
  convolution("3x3, 8x8x64 to 64", 8, 64, 64);
  convolution("3x3, 32x32x16 to 16, padded", 32, 16, 16, 1, 1);
  convolution("3x3, 32x32x16 to 32, padded, strides of 2", 32, 16, 32, 2, 1);
  convolution("3x3, 12x12x5 to 7, padded", 12, 5, 7, 1, 1);
  depthwise("3x3, 16x16x32, padded", 16, 32, 1, 1);
  depthwise("3x3, 32x32x24, padded, strides of 2", 32, 24, 2, 1);
  low_precisions();
  if (losses > 0)
    std::printf("%d of ours lost to their twins by more than %.0fx, or differ from them\n", losses, kLoss);
  return losses > 0 ? 1 : 0;
}
