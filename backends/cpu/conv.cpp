// 2-D convolutions: the threads share the images, or bands of rows where there are few images.
#include "keratin/core/ops/conv.h"

#include "keratin/backends/cpu/conv.h"
#include "keratin/core/ops/detail/windows.h"

namespace keratin::cpu {
namespace {

// What follows the convolution: which operands there are, and where among the inputs.
struct Finish {
  int bias = -1, scale = -1, shift = -1, more = -1;
  Activation activation = Activation::none;

  template <class T>
  ConvFinish<T> of(const void* const* in) const {
    const auto operand = [&](int index) { return index < 0 ? nullptr : as<T>(in[index]); };
    return {operand(bias), operand(scale), operand(shift), operand(more), activation};
  }
  bool only_bias_and_activation() const { return scale < 0 && more < 0; }
};

template <class T>
KernelPtr forward_kernel(const WindowShape& s, const LowConv& low, const Finish& finish, bool packed) {
  const Cut cut(s, most_chunks(), true);
  const i64 chunks = cut.chunks(), slots = std::min<i64>(chunks, num_threads()), bytes = workspace_of<T>(cut, low);
  return make_kernel(
      describe("conv " + text_of(s), dtype_of<T>, chunks) + low.text() + (packed ? ", packed before" : ""),
      static_cast<std::size_t>(slots * bytes) + low.filter_bytes,
      [=, conv = packed ? float_kernels<T>().conv_forward_packed_finish : float_kernels<T>().conv_forward_finish](
          const void* const* in, void* const* out, void* workspace) {
        const ConvFinish<T> all = finish.of<T>(in);
        // That of a part whose results begin at y.
        const auto from = [&](i64 y) {
          ConvFinish<T> part = all;
          if (part.more) part.more += y;
          return part;
        };
        if constexpr (std::is_same_v<T, float>) {
          if (low) {
            const bool early = finish.only_bias_and_activation();
            void* filters = as<std::byte>(workspace) + slots * bytes;
            std::atomic<bool> finite = low.low.kernels->conv_pack(low.of(s), as<T>(in[1]), filters);
            parallel_with_slots(chunks, slots, [&](i64 chunk, i64 slot) {
              if (!finite.load(std::memory_order_relaxed)) return;
              cut.visit(chunk, [&](const WindowShape& shape, i64 n0, i64 n1, i64 x, i64 y) {
                if (!low.low.kernels->conv(low.of(shape), n0, n1, as<T>(in[0]) + x, filters, early ? all.bias : nullptr,
                                           early ? all.activation : Activation::none, as<T>(out[0]) + y,
                                           as<std::byte>(workspace) + slot * bytes)) {
                  finite = false;
                } else if (!early) {
                  const i64 pixels = shape.oh * shape.ow, begin = y + n0 * pixels * shape.f;
                  float_kernels<T>().conv_finish(from(begin), (n1 - n0) * pixels, shape.f, as<T>(out[0]) + begin);
                }
              });
            });
            if (finite) return;
          }
        }
        parallel_with_slots(chunks, slots, [&](i64 chunk, i64 slot) {
          cut.visit(chunk, [&](const WindowShape& shape, i64 n0, i64 n1, i64 x, i64 y) {
            conv(shape, n0, n1, as<T>(in[0]) + x, as<T>(in[1]), from(y), as<T>(out[0]) + y,
                 as<std::byte>(workspace) + slot * bytes);
          });
        });
      },
      [=]() -> SplitKernel {
        if (packed) return {};
        return split_filters<T>(s, low, [&] { return forward_kernel<T>(s, low, finish, true); });
      });
}

KernelPtr forward(const OpCall& call, const Conv2DAttrs& attrs, const Finish& finish) {
  const auto count = [](int operand) { return operand < 0 ? 0u : 1u; };
  if (!call.has(2 + count(finish.bias) + count(finish.scale) + count(finish.shift) + count(finish.more)) ||
      !one_dtype(call)) {
    return nullptr;
  }
  const auto shape = op_support::window_shape(attrs, call.in[0].shape, call.in[1].shape, call.out[0].shape);
  if (!shape) return nullptr;
  const WindowShape s = *shape;
  const auto fits = [&](int operand, const Shape& expected) {
    return operand < 0 || call.in[static_cast<std::size_t>(operand)].shape == expected;
  };
  if (!fits(finish.bias, {s.f}) || !fits(finish.scale, {s.f}) || !fits(finish.shift, {s.f}) ||
      !fits(finish.more, call.out[0].shape)) {
    return nullptr;
  }
  const LowConv low(call, s, Direction::forward);
  return for_float(call.out[0].dtype, [&]<class T>() { return forward_kernel<T>(s, low, finish, false); });
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

// inputs (x, dy)
KernelPtr prepare_kernel_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DKernelGradAttrs>();
  if (!attrs || !call.has(2) || !one_dtype(call) || call.out[0].shape != attrs->kernel_shape) return nullptr;
  const auto shape = op_support::window_shape(attrs->conv, call.in[0].shape, attrs->kernel_shape, call.in[1].shape);
  if (!shape) return nullptr;
  const WindowShape s = *shape;
  const LowConv low(call, s, Direction::kernel_gradient);
  return for_float(call.out[0].dtype, [&]<class T>() {
    const i64 size = attrs->kernel_shape.size();
    const Cut cut = KernelSum<T>::cut_of(s, size);
    const KernelSum<T> sum(cut, size, workspace_of<T>(cut, low));
    return make_kernel(
        describe("conv kernel gradient " + text_of(s), dtype_of<T>, sum.chunks) + low.text(), sum.workspace(),
        [=, conv = float_kernels<T>().conv_kernel_gradient](const void* const* in, void* const* out, void* memory) {
          const T *x = as<T>(in[0]), *dy = as<T>(in[1]);
          if constexpr (std::is_same_v<T, float>) {
            if (low && sum.run(as<T>(out[0]), memory,
                               [&](const WindowShape& part, i64 n0, i64 n1, i64 xi, i64 yi, T* to, void* own) {
                                 return low.low.kernels->conv_kernel_gradient(low.of(part), n0, n1, x + xi, dy + yi, to,
                                                                              own);
                               })) {
              return;
            }
          }
          sum.run(as<T>(out[0]), memory,
                  [&](const WindowShape& part, i64 n0, i64 n1, i64 xi, i64 yi, T* to, void* own) {
                    conv(part, n0, n1, x + xi, dy + yi, to, own);
                    return true;
                  });
        });
  });
}

Activation activation_of(FusedActivation activation) {
  return activation == FusedActivation::relu ? Activation::relu : Activation::none;
}

KernelPtr prepare_conv(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DAttrs>();
  return attrs ? forward(call, *attrs, {}) : nullptr;
}

KernelPtr prepare_fused(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DFusedAttrs>();
  if (!attrs) return nullptr;
  return forward(call, attrs->conv, {.bias = attrs->bias ? 2 : -1, .activation = activation_of(attrs->activation)});
}

KernelPtr prepare_normalized(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DNormalizedAttrs>();
  if (!attrs) return nullptr;
  return forward(call, attrs->conv,
                 {.bias = attrs->bias ? 4 : -1,
                  .scale = 2,
                  .shift = 3,
                  .more = !attrs->more  ? -1
                          : attrs->bias ? 5
                                        : 4,
                  .activation = activation_of(attrs->activation)});
}

}  // namespace

void register_conv(KernelTable& table) {
  table.add(kConv2D.name, prepare_conv);
  table.add(kConv2DFused.name, prepare_fused);
  table.add(kConv2DNormalized.name, prepare_normalized);
  table.add(kConv2DInputGrad.name, prepare_input_gradient);
  table.add(kConv2DKernelGrad.name, prepare_kernel_gradient);
}

}  // namespace keratin::cpu
