#include "keratin/core/ops/fused_elementwise.h"

#include <algorithm>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;

std::vector<Spec> infer(const std::any& attrs, std::span<const Spec> inputs) {
  const ScanBody& body = *as<FusedElementwiseAttrs>(attrs).body;
  expect_inputs(inputs, body.inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] != body.inputs[i].spec()) {
      throw InvalidArgument("input " + std::to_string(i) + " must be " + body.inputs[i].spec().to_string() + ", got " +
                            inputs[i].to_string());
    }
  }
  std::vector<Spec> results;
  for (const Value& output : body.outputs) results.push_back(output.spec());
  return results;
}

Values decompose(const Node& node, std::span<const Value> inputs) {
  const ScanBody& body = *node.attrs_as<FusedElementwiseAttrs>().body;
  return substitute(body.outputs, body.inputs, inputs);
}

}  // namespace

constinit const OpDef kFusedElementwise = {
    .name = "fused_elementwise",
    .describe = [](const std::any& attrs) { return body_text(*as<FusedElementwiseAttrs>(attrs).body); },
    .infer = infer,
    .decompose = decompose,
    .in_place = true};

bool may_share_memory(const FusedElementwiseAttrs& attrs, std::size_t input, std::size_t output) {
  const Value &operand = attrs.body->inputs[input], &result = attrs.body->outputs[output];
  if (!is_fusible(result.node()->op()) || operand.shape() != result.shape()) return false;
  const std::vector<NodePtr> nodes = topological_order(attrs.body->outputs);
  return std::none_of(nodes.begin(), nodes.end(),
                      [&](const NodePtr& node) { return node->is(kSlice) && node->input(0).node() == operand.node(); });
}

bool is_fusible(const OpDef& op) {
  static const OpDef* const kOps[] = {
      &kNegative, &kAbs,     &kSquare,   &kSqrt,        &kRsqrt,    &kReciprocal, &kExp,      &kExpm1,  &kLog,
      &kLog1p,    &kSin,     &kCos,      &kTanh,        &kSigmoid,  &kSoftplus,   &kErf,      &kArctan, &kRelu,
      &kFloor,    &kCeil,    &kRound,    &kSign,        &kAdd,      &kSubtract,   &kMultiply, &kDivide, &kPower,
      &kMaximum,  &kMinimum, &kReluGrad, &kSigmoidGrad, &kTanhGrad, &kWhere};
  return std::find(std::begin(kOps), std::end(kOps), &op) != std::end(kOps);
}

std::optional<OperandReach> reach_of(const Shape& operand, const Shape& whole) {
  if (operand == whole) return OperandReach{Reach::whole, 0};
  if (operand.size() == 1) return OperandReach{Reach::number, 0};
  if (operand.rank() > whole.rank()) return {};
  int first = 0;
  while (operand[first] == 1) ++first;
  const int missing = whole.rank() - operand.rank();
  const auto same = [&](int axis) { return operand[axis] == whole[axis + missing]; };
  int axis = first;
  while (axis < operand.rank() && same(axis)) ++axis;
  if (axis == operand.rank()) return OperandReach{Reach::row, operand.size()};
  // Of the first axes none may be repeated.
  if (missing > 0) return {};
  axis = 0;
  while (same(axis)) ++axis;
  const std::int64_t columns = whole.slice(axis, whole.rank()).size();
  for (; axis < operand.rank(); ++axis) {
    if (operand[axis] != 1) return {};
  }
  return OperandReach{Reach::column, columns};
}

std::optional<std::int64_t> last_axis_slice(const Node& slice) {
  if (!slice.is(kSlice)) return {};
  const auto& attrs = slice.attrs_as<SliceAttrs>();
  const Shape &from = slice.input(0).shape(), &to = slice.outputs()[0].shape;
  if (from.rank() == 0) return {};
  for (int axis = 0; axis + 1 < from.rank(); ++axis) {
    if (from[axis] != to[axis]) return {};
  }
  return attrs.begin.back();
}

bool is_row_reduction(const Node& node) {
  if (!node.is(kSum) && !node.is(kMean)) return false;
  const auto& axes = node.attrs_as<ReduceAttrs>().axes;
  const Shape& shape = node.input(0).shape();
  if (shape.rank() < 2 || static_cast<int>(axes.size()) != shape.rank() - 1) return false;
  return std::find(axes.begin(), axes.end(), shape.rank() - 1) == axes.end();
}

}  // namespace keratin
