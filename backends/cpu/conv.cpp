// 2-D convolutions: the threads share the images, or bands of rows where there are few images.
#include "keratin/core/ops/conv.h"

#include "keratin/backends/cpu/conv.h"
#include "keratin/core/ops/detail/windows.h"

namespace keratin::cpu {
namespace {

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
  table.add(kConv2DInputGrad.name, prepare_input_gradient);
  table.add(kConv2DKernelGrad.name, prepare_kernel_gradient);
}

}  // namespace keratin::cpu
