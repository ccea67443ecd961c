// Unary element-wise ops, and the gradients computed from their results.
#include "keratin/core/ops/elementwise.h"

#include <cmath>

#include "keratin/backends/cpu/parallel.h"
#include "keratin/backends/cpu/typed.h"

namespace keratin::cpu {
namespace {

template <class X, class Y>
KernelPtr unary_kernel(const OpCall& call, i64 grain, void (*f)(const X*, Y*, i64)) {
  const Range range(call.out[0].shape.size(), grain);
  return make_kernel(describe("elementwise", call.in[0].dtype, range.chunks),
                     [=](const void* const* in, void* const* out) {
                       range.run([&](i64 i, i64 end) { f(as<X>(in[0]) + i, as<Y>(out[0]) + i, end - i); });
                     });
}

bool fits(const OpCall& call, DType result) {
  return call.has(1) && call.in[0].shape == call.out[0].shape && call.out[0].dtype == result;
}

constexpr bool is_light(Unary f) {
  switch (f) {
    case Unary::negative:
    case Unary::abs:
    case Unary::square:
    case Unary::relu:
    case Unary::floor:
    case Unary::ceil:
    case Unary::round:
    case Unary::sign: return true;
    default: return false;
  }
}

// Numbers wrap around.
template <Unary f, class T>
void integer_unary(const T* x, T* y, i64 n) {
  using Bits = std::make_unsigned_t<T>;
  for (i64 i = 0; i < n; ++i) {
    const T v = x[i];
    const auto negated = static_cast<T>(Bits{0} - static_cast<Bits>(v));
    if constexpr (f == Unary::negative) y[i] = negated;
    if constexpr (f == Unary::abs) y[i] = v < 0 ? negated : v;
    // The product of two unsigned numbers narrower than int would be an int, and might overflow.
    if constexpr (f == Unary::square)
      y[i] = static_cast<T>(static_cast<std::uint64_t>(v) * static_cast<std::uint64_t>(v));
    if constexpr (f == Unary::sign) y[i] = static_cast<T>((v > 0) - (v < 0));
  }
}

template <Unary f>
KernelPtr prepare_unary(const OpCall& call) {
  if (call.in.size() != 1 || !fits(call, call.in[0].dtype)) return nullptr;
  constexpr i64 grain = is_light(f) ? kGrainLight : kGrainHeavy;
  if constexpr (f == Unary::negative || f == Unary::abs || f == Unary::square || f == Unary::sign) {
    switch (call.in[0].dtype) {
      case DType::int32: return unary_kernel(call, grain, integer_unary<f, std::int32_t>);
      case DType::int64: return unary_kernel(call, grain, integer_unary<f, i64>);
      case DType::uint8: return unary_kernel(call, grain, integer_unary<f, std::uint8_t>);
      default: break;
    }
  }
  return for_float(call.in[0].dtype,
                   [&]<class T>() { return unary_kernel(call, grain, float_kernels<T>().unary[static_cast<int>(f)]); });
}

template <class T>
void is_finite(const T* x, std::uint8_t* y, i64 n) {
  for (i64 i = 0; i < n; ++i) y[i] = std::isfinite(x[i]);
}
template <class T>
void is_nan(const T* x, std::uint8_t* y, i64 n) {
  for (i64 i = 0; i < n; ++i) y[i] = std::isnan(x[i]);
}
void logical_not(const std::uint8_t* x, std::uint8_t* y, i64 n) {
  for (i64 i = 0; i < n; ++i) y[i] = x[i] == 0;
}

KernelPtr prepare_is_finite(const OpCall& call) {
  if (!fits(call, DType::boolean)) return nullptr;
  return for_float(call.in[0].dtype, [&]<class T>() { return unary_kernel(call, kGrainLight, is_finite<T>); });
}
KernelPtr prepare_is_nan(const OpCall& call) {
  if (!fits(call, DType::boolean)) return nullptr;
  return for_float(call.in[0].dtype, [&]<class T>() { return unary_kernel(call, kGrainLight, is_nan<T>); });
}
KernelPtr prepare_logical_not(const OpCall& call) {
  if (!fits(call, DType::boolean) || call.in[0].dtype != DType::boolean) return nullptr;
  return unary_kernel(call, kGrainLight, logical_not);
}

enum class ResultGradient { relu, sigmoid, tanh };

// inputs (dy, y)
template <ResultGradient which>
KernelPtr prepare_gradient(const OpCall& call) {
  if (!call.has(2) || !same(call.in[0], call.in[1]) || !same(call.in[0], call.out[0])) return nullptr;
  return for_float(call.in[0].dtype, [&]<class T>() {
    const auto& kernels = float_kernels<T>();
    const auto f = which == ResultGradient::relu      ? kernels.relu_gradient
                   : which == ResultGradient::sigmoid ? kernels.sigmoid_gradient
                                                      : kernels.tanh_gradient;
    const Range range(call.out[0].shape.size(), kGrainLight);
    return make_kernel(
        describe("elementwise", call.in[0].dtype, range.chunks), [=](const void* const* in, void* const* out) {
          range.run([&](i64 i, i64 end) { f(as<T>(in[1]) + i, as<T>(in[0]) + i, as<T>(out[0]) + i, end - i); });
        });
  });
}

}  // namespace

void register_unary(KernelTable& table) {
  table.add(kNegative.name, prepare_unary<Unary::negative>);
  table.add(kAbs.name, prepare_unary<Unary::abs>);
  table.add(kSquare.name, prepare_unary<Unary::square>);
  table.add(kSqrt.name, prepare_unary<Unary::sqrt>);
  table.add(kRsqrt.name, prepare_unary<Unary::rsqrt>);
  table.add(kReciprocal.name, prepare_unary<Unary::reciprocal>);
  table.add(kExp.name, prepare_unary<Unary::exp>);
  table.add(kExpm1.name, prepare_unary<Unary::expm1>);
  table.add(kLog.name, prepare_unary<Unary::log>);
  table.add(kLog1p.name, prepare_unary<Unary::log1p>);
  table.add(kSin.name, prepare_unary<Unary::sin>);
  table.add(kCos.name, prepare_unary<Unary::cos>);
  table.add(kTanh.name, prepare_unary<Unary::tanh>);
  table.add(kSigmoid.name, prepare_unary<Unary::sigmoid>);
  table.add(kSoftplus.name, prepare_unary<Unary::softplus>);
  table.add(kErf.name, prepare_unary<Unary::erf>);
  table.add(kArctan.name, prepare_unary<Unary::arctan>);
  table.add(kRelu.name, prepare_unary<Unary::relu>);
  table.add(kFloor.name, prepare_unary<Unary::floor>);
  table.add(kCeil.name, prepare_unary<Unary::ceil>);
  table.add(kRound.name, prepare_unary<Unary::round>);
  table.add(kSign.name, prepare_unary<Unary::sign>);
  table.add(kIsFinite.name, prepare_is_finite);
  table.add(kIsNan.name, prepare_is_nan);
  table.add(kLogicalNot.name, prepare_logical_not);
  table.add(kReluGrad.name, prepare_gradient<ResultGradient::relu>);
  table.add(kSigmoidGrad.name, prepare_gradient<ResultGradient::sigmoid>);
  table.add(kTanhGrad.name, prepare_gradient<ResultGradient::tanh>);
}

}  // namespace keratin::cpu
