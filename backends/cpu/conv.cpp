// 2-D convolutions: the threads share the images, or bands of rows where there are few images.
#include "keratin/core/ops/conv.h"

#include <algorithm>
#include <atomic>
#include <type_traits>

#include "keratin/backends/cpu/bf16.h"
#include "keratin/backends/cpu/parallel.h"
#include "keratin/backends/cpu/typed.h"
#include "keratin/core/ops/detail/windows.h"
#include "keratin/core/ops/pool.h"

namespace keratin::cpu {
namespace {

// Multiplications and additions of one chunk: some 30 us.
constexpr double kChunkFlops = 4e6;

// Chunks where the result is the same for any number of them. Each packs the filters for itself: as few as keep the
// threads busy to the end.
i64 most_chunks() { return num_threads() == 1 ? 1 : i64{8} * num_threads(); }

std::string text_of(const WindowShape& s) {
  const auto by = [](i64 a, i64 b, i64 c) {
    return std::to_string(a) + "x" + std::to_string(b) + "x" + std::to_string(c);
  };
  return std::to_string(s.n) + "x" + by(s.h, s.w, s.c) + " -> " + by(s.oh, s.ow, s.f) + ", kernel " +
         std::to_string(s.kh) + "x" + std::to_string(s.kw);
}

// How the work is cut: runs of images, or, where `bands` > 1, bands of each image's result rows.
struct Cut {
  WindowShape shape;
  Range images, bands;

  Cut(const WindowShape& s, i64 most, bool may_band) : shape(s) {
    const double image = 2.0 * static_cast<double>(s.oh * s.ow * s.kh * s.kw) * static_cast<double>(s.c / s.groups) *
                         static_cast<double>(s.f);
    const double all = image * static_cast<double>(s.n) / kChunkFlops;
    const i64 wanted = std::clamp<i64>(static_cast<i64>(std::min(all, 1e6)), 1, most);
    bands = Range(s.oh, s.oh);
    if (s.n >= wanted || !may_band) {
      images = Range(s.n, ceil_div(s.n, wanted));
    } else {
      images = Range(s.n, 1);
      bands = Range(s.oh, ceil_div(s.oh, std::min(s.oh, ceil_div(wanted, std::max<i64>(s.n, 1)))));
    }
  }
  i64 chunks() const { return images.chunks * bands.chunks; }

  // f(shape, n0, n1, x offset, y offset) for one chunk.
  template <class F>
  void visit(i64 chunk, F&& f) const {
    if (bands.chunks == 1) return f(shape, images.begin(chunk), images.end(chunk), i64{0}, i64{0});
    const i64 image = chunk / bands.chunks, row = bands.begin(chunk % bands.chunks);
    WindowShape band = shape;
    band.n = 1;
    band.oh = bands.end(chunk % bands.chunks) - row;
    i64 x = image * shape.h * shape.w * shape.c;
    if (shape.kh == 1 && shape.stride_h == 1 && shape.pad_top == 0) {
      // The band of x that it sees is an image of its own.
      x += row * shape.w * shape.c;
      band.h = band.oh;
    } else {
      band.pad_top -= row * shape.stride_h;
    }
    f(band, i64{0}, i64{1}, x, (image * shape.oh + row) * shape.ow * shape.f);
  }
  // For any chunk, when bytes_of(shape) are needed for one shape.
  template <class F>
  i64 workspace(F&& bytes_of) const {
    WindowShape band = shape;
    if (bands.chunks > 1) {
      band.n = 1;
      band.oh = bands.chunk;
    }
    return round_up(static_cast<i64>(std::max(bytes_of(shape), bytes_of(band))), kSlotAlignment);
  }
};

enum class Direction { forward, input_gradient, kernel_gradient };

// A convolution below the precision `highest`: by products of bfloat16 where they are worth rounding the images.
struct LowConv {
  LowPrecision low;
  Direction direction = Direction::forward;
  std::size_t filter_bytes = 0;  // the filters, made ready by the caller's thread

  LowConv(const OpCall& call, const WindowShape& s, Direction direction) : direction(direction) {
    constexpr i64 kShortestRow = 16, kFewestColumns = 16, kLargestPanel = i64{8} << 10;
    const bool back = direction == Direction::input_gradient;
    const i64 row = s.kw * (back ? s.f : s.c), columns = back ? s.c : s.f;
    if (call.out[0].dtype != DType::float32 || s.groups != 1 || s.dilation_h != 1 || s.dilation_w != 1 ||
        s.n * s.oh * s.ow == 0 || row < kShortestRow || columns < kFewestColumns || s.kh * row > kLargestPanel) {
      return;
    }
    if (back && (s.stride_h != 1 || s.stride_w != 1 || s.f % 2 != 0)) return;
    low = low_precision(call.precision);
    if (low && direction != Direction::kernel_gradient) {
      const auto bytes = static_cast<i64>(low.kernels->conv_filter_bytes(of(s)));
      filter_bytes = static_cast<std::size_t>(round_up(bytes, kSlotAlignment));
    }
  }
  explicit operator bool() const { return static_cast<bool>(low); }
  std::string text() const { return low ? ", " + low.name : ""; }

  Bf16Conv of(const WindowShape& s) const { return {s, low.parts, direction == Direction::input_gradient}; }
  // Beside what float32 needs, which takes over when a number is too large for bfloat16.
  std::size_t workspace(const WindowShape& s) const {
    const auto& f32 = float_kernels<float>();
    if (!low) return f32.conv_workspace(s);
    return std::max(f32.conv_workspace(s), direction == Direction::kernel_gradient
                                               ? low.kernels->conv_kernel_gradient_workspace(of(s))
                                               : low.kernels->conv_workspace(of(s)));
  }
};
template <class T>
i64 workspace_of(const Cut& cut, const LowConv& low) {
  if constexpr (std::is_same_v<T, float>) {
    return cut.workspace([&](const WindowShape& s) { return low.workspace(s); });
  }
  return cut.workspace([](const WindowShape& s) { return float_kernels<T>().conv_workspace(s); });
}

bool one_dtype(const OpCall& call) {
  return std::all_of(call.in.begin(), call.in.end(), [&](const SpecView& in) { return in.dtype == call.out[0].dtype; });
}

// A convolution whose filters are packed once for many runs: `make()` is the kernel that reads what was packed.
template <class T, class Make>
SplitKernel split_filters(const WindowShape& s, const LowConv& low, Make&& make) {
  SplitKernel parts;
  parts.bytes = low ? 0 : float_kernels<T>().conv_packed_bytes(s);
  if (parts.bytes == 0) return {};
  parts.run = make();
  if (!parts.run) return {};  // as with fewer images than there are threads by now
  parts.input = 1;
  parts.prepare =
      make_kernel("packing", [s, pack = float_kernels<T>().conv_pack](const void* const* in, void* const* out) {
        pack(s, as<T>(in[0]), as<T>(out[0]));
      });
  return parts;
}

template <class T>
KernelPtr forward_kernel(const WindowShape& s, const LowConv& low, bool with_bias, Activation activation, bool packed) {
  const Cut cut(s, most_chunks(), true);
  const i64 chunks = cut.chunks(), slots = std::min<i64>(chunks, num_threads()), bytes = workspace_of<T>(cut, low);
  return make_kernel(
      describe("conv " + text_of(s), dtype_of<T>, chunks) + low.text() + (packed ? ", packed before" : ""),
      static_cast<std::size_t>(slots * bytes) + low.filter_bytes,
      [=, conv = packed ? float_kernels<T>().conv_forward_packed : float_kernels<T>().conv_forward](
          const void* const* in, void* const* out, void* workspace) {
        const T* bias = with_bias ? as<T>(in[2]) : nullptr;
        if constexpr (std::is_same_v<T, float>) {
          if (low) {
            void* filters = as<std::byte>(workspace) + slots * bytes;
            std::atomic<bool> finite = low.low.kernels->conv_pack(low.of(s), as<T>(in[1]), filters);
            parallel_with_slots(chunks, slots, [&](i64 chunk, i64 slot) {
              if (!finite.load(std::memory_order_relaxed)) return;
              cut.visit(chunk, [&](const WindowShape& shape, i64 n0, i64 n1, i64 x, i64 y) {
                if (!low.low.kernels->conv(low.of(shape), n0, n1, as<T>(in[0]) + x, filters, bias, activation,
                                           as<T>(out[0]) + y, as<std::byte>(workspace) + slot * bytes)) {
                  finite = false;
                }
              });
            });
            if (finite) return;
          }
        }
        parallel_with_slots(chunks, slots, [&](i64 chunk, i64 slot) {
          cut.visit(chunk, [&](const WindowShape& shape, i64 n0, i64 n1, i64 x, i64 y) {
            conv(shape, n0, n1, as<T>(in[0]) + x, as<T>(in[1]), bias, activation, as<T>(out[0]) + y,
                 as<std::byte>(workspace) + slot * bytes);
          });
        });
      },
      [=]() -> SplitKernel {
        if (packed) return {};
        return split_filters<T>(s, low, [&] { return forward_kernel<T>(s, low, with_bias, activation, true); });
      });
}

KernelPtr forward(const OpCall& call, const Conv2DAttrs& attrs, bool with_bias, Activation activation) {
  if (!call.has(with_bias ? 3 : 2) || !one_dtype(call)) return nullptr;
  const auto shape = op_support::window_shape(attrs, call.in[0].shape, call.in[1].shape, call.out[0].shape);
  if (!shape || (with_bias && call.in[2].shape != Shape{shape->f})) return nullptr;
  const WindowShape s = *shape;
  const LowConv low(call, s, Direction::forward);
  return for_float(call.out[0].dtype,
                   [&]<class T>() { return forward_kernel<T>(s, low, with_bias, activation, false); });
}

// Bytes of results that are pooled while they lie in the L2 cache.
constexpr i64 kPooledBytes = 256 * 1024;

// The convolution goes to memory of the thread's own, a few images at a time, and from there through the pooling.
template <class T>
KernelPtr pooled_kernel(const WindowShape& c, const WindowShape& p, const LowConv& low, const Conv2DPoolAttrs& attrs,
                        bool packed) {
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
      describe("conv " + text_of(c) + ", pooled to " + std::to_string(p.oh) + "x" + std::to_string(p.ow), dtype_of<T>,
               chunks) +
          low.text() + (packed ? ", packed before" : ""),
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

KernelPtr prepare_pooled(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DPoolAttrs>();
  if (!attrs || !call.has(attrs->conv.bias ? 3 : 2, attrs->index ? 2 : 1)) return nullptr;
  if (!one_dtype(call) || (attrs->index && !is(call.out[1], call.out[0].shape, DType::uint8))) return nullptr;
  const Conv2DAttrs& conv_attrs = attrs->conv.conv;
  const Shape &x = call.in[0].shape, &kernel = call.in[1].shape, &y = call.out[0].shape;
  if (x.rank() != 4 || kernel.rank() != 4 || y.rank() != 4) return nullptr;
  const auto size = op_support::windowed_size({x[1], x[2]}, {kernel[0], kernel[1]}, conv_attrs.strides,
                                              conv_attrs.padding, conv_attrs.dilation);
  const Shape between{x[0], size[0], size[1], kernel[3]};
  const auto conv_shape = op_support::window_shape(conv_attrs, x, kernel, between);
  const auto pool_shape = op_support::window_shape(attrs->pool, between, y);
  if (!conv_shape || !pool_shape || (attrs->conv.bias && call.in[2].shape != Shape{conv_shape->f})) return nullptr;
  const LowConv low(call, *conv_shape, Direction::forward);
  return for_float(call.out[0].dtype,
                   [&]<class T>() { return pooled_kernel<T>(*conv_shape, *pool_shape, low, *attrs, false); });
}

// inputs (dy, kernel)
KernelPtr prepare_input_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DInputGradAttrs>();
  if (!attrs || !call.has(2) || !one_dtype(call) || call.out[0].shape != attrs->input_shape) return nullptr;
  const auto shape = op_support::window_shape(attrs->conv, attrs->input_shape, call.in[1].shape, call.in[0].shape);
  if (!shape) return nullptr;
  const WindowShape s = *shape;
  const LowConv low(call, s, Direction::input_gradient);
  return for_float(call.out[0].dtype, [&]<class T>() {
    const Cut cut(s, most_chunks(), false);
    const i64 chunks = cut.chunks(), slots = std::min<i64>(chunks, num_threads()), bytes = workspace_of<T>(cut, low);
    return make_kernel(
        describe("conv input gradient " + text_of(s), dtype_of<T>, chunks) + low.text(),
        static_cast<std::size_t>(slots * bytes) + low.filter_bytes,
        [=, conv = float_kernels<T>().conv_input_gradient](const void* const* in, void* const* out, void* workspace) {
          if constexpr (std::is_same_v<T, float>) {
            if (low) {
              void* filters = as<std::byte>(workspace) + slots * bytes;
              std::atomic<bool> finite = low.low.kernels->conv_pack(low.of(s), as<T>(in[1]), filters);
              parallel_with_slots(chunks, slots, [&](i64 chunk, i64 slot) {
                if (!finite.load(std::memory_order_relaxed)) return;
                if (!low.low.kernels->conv(low.of(s), cut.images.begin(chunk), cut.images.end(chunk), as<T>(in[0]),
                                           filters, nullptr, Activation::none, as<T>(out[0]),
                                           as<std::byte>(workspace) + slot * bytes)) {
                  finite = false;
                }
              });
              if (finite) return;
            }
          }
          parallel_with_slots(chunks, slots, [&](i64 chunk, i64 slot) {
            conv(s, cut.images.begin(chunk), cut.images.end(chunk), as<T>(in[0]), as<T>(in[1]), as<T>(out[0]),
                 as<std::byte>(workspace) + slot * bytes);
          });
        });
  });
}

// How many sums of images are kept apart: more give more threads work, and need more memory.
i64 partial_sums(i64 kernel_bytes) {
  constexpr i64 kMost = 16, kFewest = 4, kBytes = i64{16} << 20;
  return std::clamp<i64>(kBytes / std::max<i64>(kernel_bytes, 1), kFewest, kMost);
}

// inputs (x, dy). Each chunk of images adds up a gradient of its own (the first in the result's place); they are joined
// in order.
KernelPtr prepare_kernel_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DKernelGradAttrs>();
  if (!attrs || !call.has(2) || !one_dtype(call) || call.out[0].shape != attrs->kernel_shape) return nullptr;
  const auto shape = op_support::window_shape(attrs->conv, call.in[0].shape, attrs->kernel_shape, call.in[1].shape);
  if (!shape) return nullptr;
  const WindowShape s = *shape;
  const LowConv low(call, s, Direction::kernel_gradient);
  return for_float(call.out[0].dtype, [&]<class T>() {
    const auto& kernels = float_kernels<T>();
    const i64 size = attrs->kernel_shape.size();
    const i64 partial_bytes = round_up(size * static_cast<i64>(sizeof(T)), kSlotAlignment);
    const Cut cut(s, partial_sums(partial_bytes), true);
    const i64 chunks = cut.chunks(), slots = std::min<i64>(chunks, num_threads()), bytes = workspace_of<T>(cut, low);
    const i64 partials = std::max<i64>(chunks - 1, 0) * partial_bytes;
    const Range elements(size, kGrainHeavy);
    return make_kernel(
        describe("conv kernel gradient " + text_of(s), dtype_of<T>, chunks) + low.text(),
        static_cast<std::size_t>(partials + slots * bytes),
        [=, conv = kernels.conv_kernel_gradient, fill = kernels.fill, add = kernels.add_scaled](
            const void* const* in, void* const* out, void* memory) {
          T* result = as<T>(out[0]);
          auto* workspace = as<std::byte>(memory);
          const auto partial = [&](i64 chunk) {
            return chunk == 0 ? result : reinterpret_cast<T*>(workspace + (chunk - 1) * partial_bytes);
          };
          if (chunks == 0) fill(T{0}, result, size);  // no images
          // add_up(shape, n0, n1, x, dy, to, workspace) for every chunk.
          const auto for_chunks = [&](auto&& add_up) {
            parallel_with_slots(chunks, slots, [&](i64 chunk, i64 slot) {
              fill(T{0}, partial(chunk), size);
              cut.visit(chunk, [&](const WindowShape& shape, i64 n0, i64 n1, i64 x, i64 y) {
                add_up(shape, n0, n1, as<T>(in[0]) + x, as<T>(in[1]) + y, partial(chunk),
                       workspace + partials + slot * bytes);
              });
            });
          };
          std::atomic<bool> done = false;
          if constexpr (std::is_same_v<T, float>) {
            if (low) {
              done = true;
              for_chunks([&](const WindowShape& shape, i64 n0, i64 n1, const T* x, const T* dy, T* to, void* own) {
                if (!done.load(std::memory_order_relaxed)) return;
                if (!low.low.kernels->conv_kernel_gradient(low.of(shape), n0, n1, x, dy, to, own)) {
                  done = false;
                }
              });
            }
          }
          if (!done) for_chunks(conv);
          if (chunks <= 1) return;
          elements.run([&](i64 begin, i64 end) {
            for (i64 chunk = 1; chunk < chunks; ++chunk) add(T{1}, partial(chunk) + begin, result + begin, end - begin);
          });
        });
  });
}

KernelPtr prepare_conv(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DAttrs>();
  return attrs ? forward(call, *attrs, false, Activation::none) : nullptr;
}

KernelPtr prepare_fused(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DFusedAttrs>();
  if (!attrs) return nullptr;
  return forward(call, attrs->conv, attrs->bias,
                 attrs->activation == FusedActivation::relu ? Activation::relu : Activation::none);
}

}  // namespace

void register_conv(KernelTable& table) {
  table.add(kConv2D.name, prepare_conv);
  table.add(kConv2DFused.name, prepare_fused);
  table.add(kConv2DPool.name, prepare_pooled);
  table.add(kConv2DInputGrad.name, prepare_input_gradient);
  table.add(kConv2DKernelGrad.name, prepare_kernel_gradient);
}

}  // namespace keratin::cpu
