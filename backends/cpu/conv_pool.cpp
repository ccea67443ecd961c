// Convolutions together with the pooling of their results, forward and the kernel's gradient: what lies between is
// never whole in memory.
#include <algorithm>
#include <optional>
#include <utility>

#include "keratin/backends/cpu/conv.h"
#include "keratin/core/ops/detail/windows.h"
#include "keratin/core/ops/pool.h"

namespace keratin::cpu {
namespace {

// An image's results in bands of whole windows of the pooling, each of which stays in the L1 cache. For convolutions of
// few taps, which take little longer than their results take to the L2 cache and back.
struct Bands {
  WindowShape conv, pool;
  i64 lines = 1, count = 0;  // pooled lines of a band, bands of an image
  bool worth_it = false;

  Bands(const WindowShape& c, const WindowShape& p, std::size_t element) : conv(c), pool(p) {
    constexpr i64 kBytes = 24 * 1024, kMostTaps = 64, kLongestRow = 16;
    const i64 line = p.stride_h * c.ow * c.f * static_cast<i64>(element);
    // Longer rows of windows are bfloat16's in the lower precisions.
    if (c.groups != 1 || c.kh * c.kw * c.c > kMostTaps || c.kw * c.c >= kLongestRow) return;
    if (p.kh > p.stride_h || p.pad_top != 0 || (p.oh - 1) * p.stride_h >= c.oh) return;
    if (line <= 0 || 2 * line > 3 * kBytes) return;
    lines = std::clamp<i64>(kBytes / line, 1, std::max<i64>(p.oh, 1));
    count = ceil_div(p.oh, lines);
    worth_it = count > 1;
  }

  // The band's convolution: its image begins where the whole one does. Rows after the last window are left out.
  WindowShape conv_of(i64 band) const {
    const i64 row = band * rows();
    WindowShape s = conv;
    s.n = 1;
    s.oh = std::min(rows(), conv.oh - row);
    s.pad_top -= row * s.stride_h;
    return s;
  }
  WindowShape pool_of(i64 band, const WindowShape& conv_of_band) const {
    WindowShape s = pool;
    s.n = 1;
    s.h = conv_of_band.oh;
    s.oh = std::min(lines, pool.oh - first_line(band));
    return s;
  }
  i64 first_line(i64 band) const { return band * lines; }
  i64 rows() const { return lines * pool.stride_h; }
  // Of the results between.
  i64 between_bytes(std::size_t element) const {
    return round_up(rows() * conv.ow * conv.f * static_cast<i64>(element), kSlotAlignment);
  }
  template <class T>
  i64 workspace_bytes() const {
    const auto& kernels = float_kernels<T>();
    return round_up(
        static_cast<i64>(std::max(kernels.conv_workspace(conv_of(0)), kernels.conv_workspace(conv_of(count - 1)))),
        kSlotAlignment);
  }
};

std::string pooled_text(const WindowShape& c, const WindowShape& p) {
  return text_of(c) + ", pooled to " + std::to_string(p.oh) + "x" + std::to_string(p.ow);
}

template <class T>
KernelPtr banded_kernel(const WindowShape& c, const WindowShape& p, const Bands& bands, const Conv2DPoolAttrs& attrs,
                        bool packed) {
  const auto& kernels = float_kernels<T>();
  const Cut cut(c, most_chunks(), true);
  const auto filter_bytes = static_cast<i64>(kernels.conv_packed_bytes(c));
  if (filter_bytes == 0 || cut.bands.chunks > 1) return nullptr;
  const i64 between_bytes = bands.between_bytes(sizeof(T)), own_filters = round_up(filter_bytes, kSlotAlignment);
  const i64 chunks = cut.chunks(), slots = std::min<i64>(chunks, num_threads());
  const i64 bytes = between_bytes + own_filters + bands.workspace_bytes<T>();
  const bool has_bias = attrs.conv.bias, index = attrs.index;
  const Activation activation = attrs.conv.activation == FusedActivation::relu ? Activation::relu : Activation::none;
  return make_kernel(
      describe("conv " + pooled_text(c, p) + " in bands of " + std::to_string(bands.lines), dtype_of<T>, chunks) +
          (packed ? ", packed before" : ""),
      static_cast<std::size_t>(slots * bytes),
      [=, images = cut.images, pack = kernels.conv_pack, conv = kernels.conv_forward_packed, pool = kernels.max_pool,
       pool_index = kernels.max_pool_index](const void* const* in, void* const* out, void* workspace) {
        const T* bias = has_bias ? as<T>(in[2]) : nullptr;
        const i64 x_image = c.h * c.w * c.c, y_image = p.oh * p.ow * p.c;
        parallel_with_slots(chunks, slots, [&](i64 chunk, i64 slot) {
          std::byte* own = as<std::byte>(workspace) + slot * bytes;
          T *between = as<T>(own), *packed_here = as<T>(own + between_bytes);
          const T* filters = packed ? as<T>(in[1]) : packed_here;
          if (!packed) pack(c, as<T>(in[1]), packed_here);
          for (i64 n = images.begin(chunk), end = images.end(chunk); n < end; ++n) {
            for (i64 band = 0; band < bands.count; ++band) {
              const WindowShape conv_band = bands.conv_of(band), pool_band = bands.pool_of(band, conv_band);
              conv(conv_band, 0, 1, as<T>(in[0]) + n * x_image, filters, bias, activation, between,
                   own + between_bytes + own_filters);
              const i64 at = n * y_image + bands.first_line(band) * p.ow * p.c;
              if (index) {
                pool_index(pool_band, 0, 1, between, as<T>(out[0]) + at, as<std::uint8_t>(out[1]) + at);
              } else {
                pool(pool_band, 0, 1, between, as<T>(out[0]) + at);
              }
            }
          }
        });
      },
      [=]() -> SplitKernel {
        if (packed) return {};
        return split_filters<T>(c, {}, [&] { return banded_kernel<T>(c, p, bands, attrs, true); });
      });
}

// Bytes of results that are pooled while they lie in the L2 cache.
constexpr i64 kPooledBytes = 256 * 1024;

// The convolution goes to memory of the thread's own, a few images at a time, and from there through the pooling.
template <class T>
KernelPtr pooled_kernel(const WindowShape& c, const WindowShape& p, const LowConv& low, const Conv2DPoolAttrs& attrs,
                        bool packed) {
  if (const Bands bands(c, p, sizeof(T)); bands.worth_it) {
    if (KernelPtr banded = banded_kernel<T>(c, p, bands, attrs, packed)) return banded;
  }
  const bool has_bias = attrs.conv.bias, index = attrs.index;
  const i64 image = c.oh * c.ow * c.f, image_bytes = image * static_cast<i64>(sizeof(T));
  const Cut cut(c, most_chunks(), true);
  // Large results leave the cache anyway, and few images are shared better by their lines.
  if (image_bytes > kPooledBytes || cut.bands.chunks > 1) return nullptr;
  const i64 group =
      std::clamp<i64>(kPooledBytes / std::max<i64>(image_bytes, 1), 1, std::max<i64>(cut.images.chunk, 1));
  const i64 between_bytes = round_up(group * image_bytes, kSlotAlignment);
  const i64 chunks = cut.chunks(), slots = std::min<i64>(chunks, num_threads());
  const i64 bytes = between_bytes + workspace_of<T>(cut, low);
  const Activation activation = attrs.conv.activation == FusedActivation::relu ? Activation::relu : Activation::none;
  const auto& kernels = float_kernels<T>();
  return make_kernel(
      describe("conv " + pooled_text(c, p), dtype_of<T>, chunks) + low.text() + (packed ? ", packed before" : ""),
      static_cast<std::size_t>(slots * bytes) + low.filter_bytes,
      [=, images = cut.images, float_conv = packed ? kernels.conv_forward_packed : kernels.conv_forward,
       pool = kernels.max_pool,
       pool_index = kernels.max_pool_index](const void* const* in, void* const* out, void* workspace) {
        const T* bias = has_bias ? as<T>(in[2]) : nullptr;
        const i64 x_image = c.h * c.w * c.c, y_image = p.oh * p.ow * p.c;
        // conv(images, x, y, workspace) is false when it gives up.
        const auto run = [&](auto&& conv) {
          std::atomic<bool> done = true;
          parallel_with_slots(chunks, slots, [&](i64 chunk, i64 slot) {
            std::byte* own = as<std::byte>(workspace) + slot * bytes;
            T* between = as<T>(own);
            for (i64 n = images.begin(chunk), end = images.end(chunk); n < end; n += group) {
              const i64 count = std::min(group, end - n);
              if (!done.load(std::memory_order_relaxed)) return;
              if (!conv(count, as<T>(in[0]) + n * x_image, between, own + between_bytes)) {
                done = false;
                return;
              }
              T* y = as<T>(out[0]) + n * y_image;
              if (index) {
                pool_index(p, 0, count, between, y, as<std::uint8_t>(out[1]) + n * y_image);
              } else {
                pool(p, 0, count, between, y);
              }
            }
          });
          return done.load();
        };
        if constexpr (std::is_same_v<T, float>) {
          void* filters = as<std::byte>(workspace) + slots * bytes;
          if (low && low.low.kernels->conv_pack(low.of(c), as<T>(in[1]), filters) &&
              run([&](i64 count, const T* x, T* y, std::byte* own) {
                return low.low.kernels->conv(low.of(c), 0, count, x, filters, bias, activation, y, own);
              })) {
            return;
          }
        }
        run([&](i64 count, const T* x, T* y, std::byte* own) {
          float_conv(c, 0, count, x, as<T>(in[1]), bias, activation, y, own);
          return true;
        });
      },
      [=]() -> SplitKernel {
        if (packed) return {};
        return split_filters<T>(c, low, [&] { return pooled_kernel<T>(c, p, low, attrs, true); });
      });
}

// The shapes of a convolution of x and of the pooling of its results to y; none when they do not fit together.
std::optional<std::pair<WindowShape, WindowShape>> shapes_of(const Conv2DAttrs& conv, const Pool2DAttrs& pool,
                                                             const Shape& x, const Shape& kernel, const Shape& y) {
  if (x.rank() != 4 || kernel.rank() != 4 || y.rank() != 4) return std::nullopt;
  const auto size =
      op_support::windowed_size({x[1], x[2]}, {kernel[0], kernel[1]}, conv.strides, conv.padding, conv.dilation);
  const Shape between{x[0], size[0], size[1], kernel[3]};
  const auto c = op_support::window_shape(conv, x, kernel, between);
  const auto p = op_support::window_shape(pool, between, y);
  if (!c || !p) return std::nullopt;
  return std::pair{*c, *p};
}

KernelPtr prepare_pooled(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DPoolAttrs>();
  if (!attrs || !call.has(attrs->conv.bias ? 3 : 2, attrs->index ? 2 : 1)) return nullptr;
  if (!one_dtype(call) || (attrs->index && !is(call.out[1], call.out[0].shape, DType::uint8))) return nullptr;
  const auto shapes = shapes_of(attrs->conv.conv, attrs->pool, call.in[0].shape, call.in[1].shape, call.out[0].shape);
  if (!shapes || (attrs->conv.bias && call.in[2].shape != Shape{shapes->first.f})) return nullptr;
  const LowConv low(call, shapes->first, Direction::forward);
  return for_float(call.out[0].dtype,
                   [&]<class T>() { return pooled_kernel<T>(shapes->first, shapes->second, low, *attrs, false); });
}

// inputs (x, taps, dy of the pooled results): dy is spread to the taps band by band, and each band added to the
// kernel's gradient.
KernelPtr prepare_pooled_kernel_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DPoolKernelGradAttrs>();
  if (!attrs || !call.has(3) || call.in[1].dtype != DType::uint8 || call.in[1].shape != call.in[2].shape ||
      call.in[0].dtype != call.out[0].dtype || call.in[2].dtype != call.out[0].dtype ||
      call.out[0].shape != attrs->conv.kernel_shape) {
    return nullptr;
  }
  const Shape &x = call.in[0].shape, &kernel = attrs->conv.kernel_shape, &dy = call.in[2].shape;
  const auto shapes = shapes_of(attrs->conv.conv, attrs->pool, x, kernel, dy);
  if (!shapes) return nullptr;
  return for_float(call.out[0].dtype, [&]<class T>() -> KernelPtr {
    const auto& [c, p] = *shapes;
    const Bands bands(c, p, sizeof(T));
    const i64 size = kernel.size();
    const Cut cut = KernelSum<T>::cut_of(c, size);
    if (!bands.worth_it || cut.bands.chunks > 1) return nullptr;
    const i64 between_bytes = bands.between_bytes(sizeof(T));
    const KernelSum<T> sum(cut, size, between_bytes + bands.workspace_bytes<T>());
    const auto& kernels = float_kernels<T>();
    return make_kernel(
        describe("conv kernel gradient " + pooled_text(c, p) + " in bands of " + std::to_string(bands.lines),
                 dtype_of<T>, sum.chunks),
        sum.workspace(),
        [=, c = c, p = p, spread = kernels.max_pool_index_gradient, conv = kernels.conv_kernel_gradient](
            const void* const* in, void* const* out, void* memory) {
          const i64 x_image = c.h * c.w * c.c, y_image = p.oh * p.ow * p.c;
          sum.run(as<T>(out[0]), memory, [&](const WindowShape&, i64 n0, i64 n1, i64, i64, T* to, std::byte* own) {
            T* between = as<T>(own);
            for (i64 n = n0; n < n1; ++n) {
              for (i64 band = 0; band < bands.count; ++band) {
                const WindowShape conv_band = bands.conv_of(band), pool_band = bands.pool_of(band, conv_band);
                const i64 at = n * y_image + bands.first_line(band) * p.ow * p.c;
                spread(pool_band, 0, 1, as<std::uint8_t>(in[1]) + at, as<T>(in[2]) + at, between);
                conv(conv_band, 0, 1, as<T>(in[0]) + n * x_image, between, to, own + between_bytes);
              }
            }
            return true;
          });
        });
  });
}

}  // namespace

void register_conv_pool(KernelTable& table) {
  table.add(kConv2DPool.name, prepare_pooled);
  table.add(kConv2DPoolKernelGrad.name, prepare_pooled_kernel_gradient);
}

}  // namespace keratin::cpu
