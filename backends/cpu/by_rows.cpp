#include "keratin/backends/cpu/by_rows.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "keratin/backends/cpu/parallel.h"
#include "keratin/core/ops/conv.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/fused_elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/pool.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/softmax.h"
#include "keratin/core/runtime/detail/op_call.h"

namespace keratin::cpu {
namespace {

using Rows = std::optional<InputRows>;
using Specs = std::vector<SpecView>;
using Proof = Rows (*)(const std::any& attrs, const Specs& in, const Specs& out, i64 rows);

// Of the first input by rows, and the others as a whole.
Rows first_input(const std::any&, const Specs& in, const Specs&, i64) {
  InputRows result(in.size(), false);
  result[0] = true;
  return result;
}

// Of the images, and the other term where there is one.
Rows normalized(const std::any& any, const Specs& in, const Specs& out, i64 rows) {
  const auto* attrs = std::any_cast<Conv2DNormalizedAttrs>(&any);
  if (!attrs) return {};
  InputRows result = *first_input(any, in, out, rows);
  if (attrs->more) result.back() = true;
  return result;
}

// An operand that meets a result of this shape by broadcasting.
bool broadcasts_by_rows(const Shape& operand, const Shape& result, i64 rows) {
  return operand.rank() == result.rank() && operand[0] == rows;
}

Rows elementwise(const std::any&, const Specs& in, const Specs& out, i64 rows) {
  InputRows result;
  for (const SpecView& operand : in) result.push_back(broadcasts_by_rows(operand.shape, out[0].shape, rows));
  return result;
}

template <class Attrs>
Rows product(const std::any& any, const Specs& in, const Specs& out, i64 rows) {
  const auto* attrs = std::any_cast<Attrs>(&any);
  const Shape &a = in[0].shape, &b = in[1].shape, &c = out[0].shape;
  if (!attrs || a.rank() != c.rank() || (c.rank() == 2 && attrs->transpose_a)) return {};
  InputRows result(in.size(), false);
  result[0] = a[0] == rows;
  result[1] = c.rank() > 2 && broadcasts_by_rows(b, c, rows);
  return result;
}

Rows softmax(const std::any& attrs, const Specs& in, const Specs& out, i64 rows) {
  return in[0].shape.rank() > 1 ? first_input(attrs, in, out, rows) : std::nullopt;
}

Rows reduction(const std::any& any, const Specs& in, const Specs& out, i64 rows) {
  const auto* attrs = std::any_cast<ReduceAttrs>(&any);
  // The kernel cuts larger rows into pieces where there are few of them (reduce.cpp).
  if (!attrs || std::find(attrs->axes.begin(), attrs->axes.end(), 0) != attrs->axes.end() ||
      in[0].shape.size() / rows > kGrainLight) {
    return {};
  }
  return first_input(any, in, out, rows);
}

Rows arg_max(const std::any& any, const Specs& in, const Specs& out, i64 rows) {
  const auto* attrs = std::any_cast<ArgMaxAttrs>(&any);
  if (!attrs || in[0].shape.normalize_axis(attrs->axis) == 0) return {};
  return first_input(any, in, out, rows);
}

Rows transpose(const std::any& any, const Specs& in, const Specs& out, i64 rows) {
  const auto* attrs = std::any_cast<TransposeAttrs>(&any);
  if (!attrs || attrs->permutation.empty() || attrs->permutation[0] != 0) return {};
  return first_input(any, in, out, rows);
}

Rows concatenation(const std::any& any, const Specs& in, const Specs& out, i64) {
  const auto* attrs = std::any_cast<ConcatenateAttrs>(&any);
  if (!attrs || out[0].shape.normalize_axis(attrs->axis) == 0) return {};
  return InputRows(in.size(), true);
}

Rows padding(const std::any& any, const Specs& in, const Specs& out, i64 rows) {
  const auto* attrs = std::any_cast<PadAttrs>(&any);
  if (!attrs || attrs->before.empty() || attrs->before[0] != 0 || attrs->after[0] != 0) return {};
  return first_input(any, in, out, rows);
}

// Element-wise ops of one shape, and concatenations of them along the last axis.
Rows fused(const std::any& any, const Specs& in, const Specs& out, i64 rows) {
  const auto* attrs = std::any_cast<FusedElementwiseAttrs>(&any);
  if (!attrs) return {};
  int rank = 0;
  for (const NodePtr& node : topological_order(attrs->body->outputs)) {
    if (node->is(kScanInput)) continue;
    const bool known = is_fusible(node->op()) || node->is(kConcatenate);
    const Shape& shape = node->outputs()[0].shape;
    if (!known || shape.rank() < 2 || shape[0] != rows || (rank > 0 && shape.rank() != rank)) return {};
    rank = shape.rank();
  }
  if (rank != out[0].shape.rank()) return {};
  return elementwise(any, in, out, rows);
}

const std::unordered_map<std::string_view, Proof>& proofs() {
  static const std::unordered_map<std::string_view, Proof> table = [] {
    std::unordered_map<std::string_view, Proof> t = {{kConv2D.name, first_input},
                                                     {kConv2DFused.name, first_input},
                                                     {kConv2DNormalized.name, normalized},
                                                     {kConv2DPool.name, first_input},
                                                     {kMaxPool2D.name, first_input},
                                                     {kAveragePool2D.name, first_input},
                                                     {kMaxPool2DIndex.name, first_input},
                                                     {kMatMul.name, product<MatMulAttrs>},
                                                     {kMatMulFused.name, product<MatMulFusedAttrs>},
                                                     {kSoftmax.name, softmax},
                                                     {kLogSoftmax.name, softmax},
                                                     {kArgMax.name, arg_max},
                                                     {kTranspose.name, transpose},
                                                     {kConcatenate.name, concatenation},
                                                     {kPad.name, padding},
                                                     {kFusedElementwise.name, fused},
                                                     {kCast.name, elementwise},
                                                     {kStopGradient.name, elementwise}};
    for (const OpDef* op : {&kSum, &kMean, &kMax, &kMin, &kProd}) t[op->name] = reduction;
    for (const OpDef* op :
         {&kNegative,  &kAbs,      &kSquare,       &kSqrt,       &kRsqrt,     &kReciprocal, &kExp,
          &kExpm1,     &kLog,      &kLog1p,        &kSin,        &kCos,       &kTanh,       &kSigmoid,
          &kSoftplus,  &kErf,      &kArctan,       &kRelu,       &kFloor,     &kCeil,       &kRound,
          &kSign,      &kIsFinite, &kIsNan,        &kLogicalNot, &kAdd,       &kSubtract,   &kMultiply,
          &kDivide,    &kPower,    &kMaximum,      &kMinimum,    &kEqual,     &kNotEqual,   &kLess,
          &kLessEqual, &kGreater,  &kGreaterEqual, &kLogicalAnd, &kLogicalOr, &kWhere}) {
      t[op->name] = elementwise;
    }
    return t;
  }();
  return table;
}

}  // namespace

std::optional<InputRows> by_rows(const Plan& plan, const Step& step, std::int64_t rows) {
  const auto proof = proofs().find(step.op);
  if (proof == proofs().end() || step.inputs.empty() || step.outputs.empty()) return {};
  const StepSpecs specs(plan, step);
  const auto has_rows = [&](const SpecView& spec) { return spec.shape.rank() > 0 && spec.shape[0] == rows; };
  if (rows < 1 || !std::all_of(specs.out.begin(), specs.out.end(), has_rows)) return {};
  Rows result = proof->second(step.attrs, specs.in, specs.out, rows);
  if (!result || std::find(result->begin(), result->end(), true) == result->end()) return {};
  for (std::size_t i = 0; i < specs.in.size(); ++i) {
    if ((*result)[i] && !has_rows(specs.in[i])) return {};
  }
  return result;
}

std::any with_rows(const Plan& plan, const Step& step, const InputRows& inputs, std::int64_t rows) {
  const auto* fused = std::any_cast<FusedElementwiseAttrs>(&step.attrs);
  if (!fused) return step.attrs;
  Values operands;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Slot& slot = plan.slots[static_cast<std::size_t>(step.inputs[i])];
    Spec spec{slot.shape, slot.dtype};
    if (inputs[i]) spec.shape = Shape{rows}.concat(slot.shape.slice(1, slot.shape.rank()));
    operands.push_back(apply1(kScanInput, ScanInputAttrs{"", spec}, {}));
  }
  Values outputs = substitute(fused->body->outputs, fused->body->inputs, operands);
  return FusedElementwiseAttrs{std::make_shared<const ScanBody>(ScanBody{std::move(operands), std::move(outputs)})};
}

}  // namespace keratin::cpu
