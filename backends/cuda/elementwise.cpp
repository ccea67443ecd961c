// Element-wise ops with broadcasting.
#include "keratin/core/ops/elementwise.h"

#include <algorithm>

#include "keratin/backends/cuda/kernel.h"
#include "keratin/backends/cuda/layout.h"

namespace keratin::cuda {
namespace {

std::string text(std::string_view what, DType dtype) { return std::string(what) + " " + std::string(name_of(dtype)); }

TapeStep tape_step(TapeKind kind, std::uint8_t op, DType from, DType to, i64 n) {
  TapeStep step;
  step.kind = kind;
  step.op = op;
  step.from = from;
  step.to = to;
  step.n = static_cast<std::int32_t>(std::min(n, Tape::kMaxElements + 1));
  return step;
}

bool fits_unary(const OpCall& call, DType result) {
  return call.has(1) && call.in[0].shape == call.out[0].shape && call.out[0].dtype == result;
}

template <Unary op>
KernelPtr prepare_unary(const OpCall& call) {
  if (call.in.size() != 1 || !fits_unary(call, call.in[0].dtype)) return nullptr;
  const DType dtype = call.in[0].dtype;
  constexpr bool of_integers = op <= Unary::sign;
  if (dtype == DType::boolean || (!is_floating(dtype) && !of_integers)) return nullptr;
  const i64 size = call.out[0].shape.size();
  const TapeStep step = tape_step(TapeKind::unary, static_cast<std::uint8_t>(op), dtype, dtype, size);
  return make_tape_kernel(text("elementwise", dtype), step,
                          [dtype, n = size](const Launch& l) { unary(l.stream, op, dtype, l.in[0], l.out[0], n); });
}

template <Test op>
KernelPtr prepare_test(const OpCall& call) {
  if (!fits_unary(call, DType::boolean)) return nullptr;
  const DType dtype = call.in[0].dtype;
  if (op == Test::logical_not ? dtype != DType::boolean : !is_floating(dtype)) return nullptr;
  return make_kernel(text("elementwise", dtype), [dtype, n = call.out[0].shape.size()](const Launch& l) {
    test(l.stream, op, dtype, l.in[0], l.out[0], n);
  });
}

// inputs (dy, y)
template <Gradient op>
KernelPtr prepare_gradient(const OpCall& call) {
  if (!call.has(2) || !same(call.in[0], call.in[1]) || !same(call.in[0], call.out[0]) ||
      !is_floating(call.in[0].dtype)) {
    return nullptr;
  }
  return make_kernel(text("elementwise", call.in[0].dtype),
                     [dtype = call.in[0].dtype, n = call.out[0].shape.size()](const Launch& l) {
                       gradient(l.stream, op, dtype, l.in[0], l.in[1], l.out[0], n);
                     });
}

std::string text_of(const Operands<2>& operands, DType dtype) {
  return text("elementwise", dtype) +
         (operands.strided ? ", broadcast over " + std::to_string(operands.at.axes) + " axes" : "");
}

template <Binary op>
KernelPtr prepare_binary(const OpCall& call) {
  if (!call.has(2) || call.in[0].dtype != call.in[1].dtype || call.in[0].dtype != call.out[0].dtype) return nullptr;
  const DType dtype = call.in[0].dtype;
  constexpr bool floating_only = op >= Binary::divide;
  if (dtype == DType::boolean || (floating_only && !is_floating(dtype))) return nullptr;
  const auto operands = meet<2>({&call.in[0].shape, &call.in[1].shape}, call.out[0].shape);
  if (!operands) return nullptr;
  const i64 size = operands->strided ? Tape::kMaxElements + 1 : operands->n;
  TapeStep step = tape_step(TapeKind::binary, static_cast<std::uint8_t>(op), dtype, dtype, size);
  for (int i = 0; i < 2; ++i) step.single[i] = operands->single[i];
  return make_tape_kernel(text_of(*operands, dtype), step, [dtype, o = *operands](const Launch& l) {
    binary(l.stream, op, dtype, o, l.in[0], l.in[1], l.out[0]);
  });
}

template <Compare op>
KernelPtr prepare_compare(const OpCall& call) {
  if (!call.has(2) || call.in[0].dtype != call.in[1].dtype || call.out[0].dtype != DType::boolean) return nullptr;
  const DType dtype = call.in[0].dtype;
  constexpr bool logical = op >= Compare::logical_and;
  if (logical && dtype != DType::boolean) return nullptr;
  const auto operands = meet<2>({&call.in[0].shape, &call.in[1].shape}, call.out[0].shape);
  if (!operands) return nullptr;
  return make_kernel(text_of(*operands, dtype), [dtype, o = *operands](const Launch& l) {
    compare(l.stream, op, dtype, o, l.in[0], l.in[1], l.out[0]);
  });
}

KernelPtr prepare_where(const OpCall& call) {
  if (!call.has(3) || call.in[0].dtype != DType::boolean || call.in[1].dtype != call.in[2].dtype ||
      call.in[1].dtype != call.out[0].dtype) {
    return nullptr;
  }
  const auto operands = meet<3>({&call.in[0].shape, &call.in[1].shape, &call.in[2].shape}, call.out[0].shape);
  if (!operands) return nullptr;
  return make_kernel(text("where", call.out[0].dtype),
                     [element = size_of(call.out[0].dtype), o = *operands](const Launch& l) {
                       select(l.stream, element, o, l.in[0], l.in[1], l.in[2], l.out[0]);
                     });
}

KernelPtr prepare_cast(const OpCall& call) {
  const auto* attrs = call.attributes<CastAttrs>();
  if (!attrs || !fits_unary(call, attrs->dtype)) return nullptr;
  const TapeStep step = tape_step(TapeKind::convert, 0, call.in[0].dtype, attrs->dtype, call.out[0].shape.size());
  return make_tape_kernel(text("cast", attrs->dtype), step,
                          [from = call.in[0].dtype, to = attrs->dtype, n = call.out[0].shape.size()](const Launch& l) {
                            convert(l.stream, from, to, l.in[0], l.out[0], n);
                          });
}

}  // namespace

void register_elementwise(KernelTable& table) {
  table.add(kNegative.name, prepare_unary<Unary::negative>);
  table.add(kAbs.name, prepare_unary<Unary::abs>);
  table.add(kSquare.name, prepare_unary<Unary::square>);
  table.add(kSign.name, prepare_unary<Unary::sign>);
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
  table.add(kIsFinite.name, prepare_test<Test::is_finite>);
  table.add(kIsNan.name, prepare_test<Test::is_nan>);
  table.add(kLogicalNot.name, prepare_test<Test::logical_not>);
  table.add(kReluGrad.name, prepare_gradient<Gradient::relu>);
  table.add(kSigmoidGrad.name, prepare_gradient<Gradient::sigmoid>);
  table.add(kTanhGrad.name, prepare_gradient<Gradient::tanh>);
  table.add(kAdd.name, prepare_binary<Binary::add>);
  table.add(kSubtract.name, prepare_binary<Binary::subtract>);
  table.add(kMultiply.name, prepare_binary<Binary::multiply>);
  table.add(kDivide.name, prepare_binary<Binary::divide>);
  table.add(kPower.name, prepare_binary<Binary::power>);
  table.add(kMaximum.name, prepare_binary<Binary::maximum>);
  table.add(kMinimum.name, prepare_binary<Binary::minimum>);
  table.add(kEqual.name, prepare_compare<Compare::equal>);
  table.add(kNotEqual.name, prepare_compare<Compare::not_equal>);
  table.add(kLess.name, prepare_compare<Compare::less>);
  table.add(kLessEqual.name, prepare_compare<Compare::less_equal>);
  table.add(kGreater.name, prepare_compare<Compare::greater>);
  table.add(kGreaterEqual.name, prepare_compare<Compare::greater_equal>);
  table.add(kLogicalAnd.name, prepare_compare<Compare::logical_and>);
  table.add(kLogicalOr.name, prepare_compare<Compare::logical_or>);
  table.add(kWhere.name, prepare_where);
  table.add(kCast.name, prepare_cast);
}

}  // namespace keratin::cuda
