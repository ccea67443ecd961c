// What the kernels of 2-D convolutions share: how their work is cut for the threads, the way below the precision
// `highest`, and sums over images.
#pragma once

#include <algorithm>
#include <atomic>
#include <string>
#include <type_traits>
#include <utility>

#include "keratin/backends/cpu/bf16.h"
#include "keratin/backends/cpu/parallel.h"
#include "keratin/backends/cpu/typed.h"

namespace keratin::cpu {

// Multiplications and additions of one chunk: some 30 us.
inline constexpr double kChunkFlops = 4e6;

// Chunks where the result is the same for any number of them. Each packs the filters for itself: as few as keep the
// threads busy to the end.
inline i64 most_chunks() { return num_threads() == 1 ? 1 : i64{8} * num_threads(); }

inline std::string text_of(const WindowShape& s) {
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

  LowConv() = default;
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

inline bool one_dtype(const OpCall& call) {
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

// How many sums of images are kept apart: more give more threads work, and need more memory.
inline i64 partial_sums(i64 kernel_bytes) {
  constexpr i64 kMost = 16, kFewest = 4, kBytes = i64{16} << 20;
  return std::clamp<i64>(kBytes / std::max<i64>(kernel_bytes, 1), kFewest, kMost);
}

// A kernel's gradient: each chunk of images adds up one of its own (the first in the result's place); they are joined
// in order.
template <class T>
struct KernelSum {
  Cut cut;
  i64 size, partial_bytes, slot_bytes, chunks, slots;
  Range elements;

  // slot_bytes: workspace of one call of `add`.
  KernelSum(const Cut& cut, i64 size, i64 slot_bytes)
      : cut(cut),
        size(size),
        partial_bytes(round_up(size * static_cast<i64>(sizeof(T)), kSlotAlignment)),
        slot_bytes(slot_bytes),
        chunks(cut.chunks()),
        slots(std::min<i64>(chunks, num_threads())),
        elements(size, kGrainHeavy) {}
  static Cut cut_of(const WindowShape& s, i64 size) {
    return Cut(s, partial_sums(round_up(size * static_cast<i64>(sizeof(T)), kSlotAlignment)), true);
  }
  i64 partials() const { return std::max<i64>(chunks - 1, 0) * partial_bytes; }
  std::size_t workspace() const { return static_cast<std::size_t>(partials() + slots * slot_bytes); }

  // add(shape, n0, n1, x offset, y offset, sum, workspace) for every chunk; false when it gives up, and so is this.
  template <class F>
  bool run(T* result, void* memory, F&& add) const {
    const auto& kernels = float_kernels<T>();
    auto* workspace = as<std::byte>(memory);
    const auto partial = [&](i64 chunk) {
      return chunk == 0 ? result : reinterpret_cast<T*>(workspace + (chunk - 1) * partial_bytes);
    };
    if (chunks == 0) kernels.fill(T{0}, result, size);  // no images
    std::atomic<bool> done = true;
    parallel_with_slots(chunks, slots, [&](i64 chunk, i64 slot) {
      kernels.fill(T{0}, partial(chunk), size);
      cut.visit(chunk, [&](const WindowShape& shape, i64 n0, i64 n1, i64 x, i64 y) {
        if (!done.load(std::memory_order_relaxed)) return;
        if (!add(shape, n0, n1, x, y, partial(chunk), workspace + partials() + slot * slot_bytes)) done = false;
      });
    });
    if (!done) return false;
    if (chunks <= 1) return true;
    elements.run([&](i64 begin, i64 end) {
      for (i64 chunk = 1; chunk < chunks; ++chunk) {
        kernels.add_scaled(T{1}, partial(chunk) + begin, result + begin, end - begin);
      }
    });
    return true;
  }
};

}  // namespace keratin::cpu
