// Removes nodes that do nothing, and merges equal ones.
#include <algorithm>
#include <map>
#include <optional>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/pool.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"

namespace keratin {
namespace {

// The number every element of a constant has, if it has one element.
bool is_scalar_constant(const Value& value, double number) {
  if (!value.node()->is(kConstant)) return false;
  const Tensor& tensor = value.node()->attrs_as<ConstantAttrs>().value;
  return tensor.size() == 1 && tensor.item() == number;
}

// What stands in for the node when it does nothing; empty otherwise.
Value without_effect(const Node& node, const Values& inputs) {
  if (inputs.empty() || !node.is_op()) return {};
  const Value& x = inputs[0];
  const bool same = x.spec() == node.outputs()[0];
  if (node.is(kStopGradient)) return x;
  if (same && (node.is(kReshape) || node.is(kBroadcastTo) || node.is(kCast))) return x;
  if (same && node.is(kSum) && node.attrs_as<ReduceAttrs>().axes.empty()) return x;
  if (same && (node.is(kAdd) || node.is(kSubtract)) && is_scalar_constant(inputs[1], 0)) return x;
  if (same && (node.is(kMultiply) || node.is(kDivide)) && is_scalar_constant(inputs[1], 1)) return x;
  const bool same_right = inputs.size() > 1 && inputs[1].spec() == node.outputs()[0];
  if (same_right && node.is(kAdd) && is_scalar_constant(x, 0)) return inputs[1];
  if (same_right && node.is(kMultiply) && is_scalar_constant(x, 1)) return inputs[1];
  // A reshape of a reshape is one reshape.
  if (node.is(kReshape) && x.node()->is(kReshape)) {
    return apply1(kReshape, ReshapeAttrs{node.outputs()[0].shape}, {x.node()->input(0)});
  }
  return {};
}

// Whether copies of `value` fill a shape row by row: backends read such an operand again and again instead.
bool is_repeated_row(const Value& value, const Shape& shape) {
  const Shape& row = value.shape();
  int first = 0;
  while (first < row.rank() && row[first] == 1) ++first;
  for (int axis = first; axis < row.rank(); ++axis) {
    if (row[axis] != shape[axis - row.rank()]) return false;
  }
  return true;
}

// Arithmetic broadcasts by itself: no copies are made for it beforehand, as gradients of sums and means ask for.
Value without_copies(const Node& node, const Values& inputs) {
  const bool commutes = node.is(kAdd) || node.is(kMultiply) || node.is(kMaximum) || node.is(kMinimum);
  if (!commutes && !node.is(kSubtract) && !node.is(kDivide)) return {};
  for (const int side : {1, 0}) {
    const Node& copies = *inputs[static_cast<std::size_t>(side)].node();
    if (!copies.is(kBroadcastTo) || inputs[static_cast<std::size_t>(1 - side)].spec() != node.outputs()[0]) continue;
    const Value& row = copies.input(0);
    const bool fits = side == 1 || commutes ? is_repeated_row(row, node.outputs()[0].shape) : row.shape().size() == 1;
    if (!fits) continue;
    Values operands = inputs;
    operands[static_cast<std::size_t>(side)] = row;
    return apply1(node.op(), {}, operands);
  }
  return {};
}

// The gradient of a maximum goes to one element of its window. So what follows can be computed from the few elements
// before it is spread:
//   relu_grad(max_pool_grad(x, y, dy), x) = max_pool_grad(x, y, relu_grad(dy, y)), as that element is y itself;
//   the sum of max_pool_grad(x, y, dy) over an image is the sum of dy.
Value before_spreading(const Node& node, const Values& inputs) {
  if (!node.is(kReluGrad) && !node.is(kSum)) return {};
  const Node& spread = *inputs[0].node();
  if (!spread.is(kMaxPool2DGrad)) return {};
  const Value &x = spread.input(0), &y = spread.input(1), &dy = spread.input(2);
  if (node.is(kReluGrad)) {
    if (inputs[1] != x) return {};
    return apply1(kMaxPool2DGrad, spread.attrs(), {x, y, apply1(kReluGrad, {}, {dy, y})});
  }
  const auto& axes = node.attrs_as<ReduceAttrs>().axes;
  const bool whole_images =
      std::find(axes.begin(), axes.end(), 1) != axes.end() && std::find(axes.begin(), axes.end(), 2) != axes.end();
  return whole_images ? apply1(kSum, node.attrs(), {dy}) : Value();
}

// A value with zeros around it along one axis.
struct Placed {
  Value inner;
  int axis = 0;
  std::int64_t begin = 0;
};
std::optional<Placed> placed(const Node& pad) {
  const auto& attrs = pad.attrs_as<PadAttrs>();
  std::optional<Placed> result;
  for (std::size_t axis = 0; axis < attrs.before.size(); ++axis) {
    if (attrs.before[axis] == 0 && attrs.after[axis] == 0) continue;
    if (result || attrs.value != 0) return {};
    result = Placed{pad.input(0), static_cast<int>(axis), attrs.before[axis]};
  }
  return result;
}

// A sum of values with zeros around them, which together fill an axis, is their concatenation: the gradient of slices.
Value as_concatenation(const Node& node, const Values& inputs) {
  if (!node.is(kAdd)) return {};
  std::vector<Placed> parts;
  Values rest = inputs;
  while (!rest.empty()) {
    const Value value = rest.back();
    rest.pop_back();
    const Node& from = *value.node();
    if (value.shape() != node.outputs()[0].shape) return {};
    if (from.is(kAdd)) {
      rest.insert(rest.end(), from.inputs().begin(), from.inputs().end());
    } else if (from.is(kPad)) {
      const auto part = placed(from);
      if (!part || (!parts.empty() && part->axis != parts[0].axis)) return {};
      parts.push_back(*part);
    } else {
      return {};
    }
  }
  std::sort(parts.begin(), parts.end(), [](const Placed& a, const Placed& b) { return a.begin < b.begin; });
  std::int64_t end = 0;
  Values pieces;
  for (const Placed& part : parts) {
    if (part.begin != end) return {};
    end += part.inner.shape()[part.axis];
    pieces.push_back(part.inner);
  }
  if (end != node.outputs()[0].shape[parts[0].axis]) return {};
  return ops::concatenate(pieces, parts[0].axis);
}

}  // namespace

Program simplify(const Program& program) {
  return merge_common(rewrite(tidy_scans(program), [](const NodePtr& node, const Values& inputs) -> Values {
    Value value = without_effect(*node, inputs);
    if (!value && node->is_op()) value = without_copies(*node, inputs);
    if (!value && node->is_op()) value = before_spreading(*node, inputs);
    if (!value && node->is_op()) value = as_concatenation(*node, inputs);
    return value ? Values{value} : Values{};
  }));
}

Program merge_common(const Program& program) {
  std::map<std::string, Values> seen;
  return rewrite(program, [&](const NodePtr& node, const Values& inputs) -> Values {
    const OpDef& op = node->op();
    if (op.effect != Effect::pure || node->is(kInput)) return {};
    std::string key(op.name);
    key += '{' + (op.describe ? op.describe(node->attrs()) : std::string()) + '}';
    for (const Value& input : inputs) {
      key += ' ' + std::to_string(input.node()->id()) + '.' + std::to_string(input.index());
    }
    // Scalar constants of equal text may still differ in dtype or shape.
    for (const Spec& output : node->outputs()) key += output.to_string();
    auto found = seen.find(key);
    if (found != seen.end()) return found->second;
    Values outputs;
    NodePtr kept =
        inputs == node->inputs() ? node : std::make_shared<const Node>(op, node->attrs(), inputs, node->outputs());
    for (std::size_t i = 0; i < node->outputs().size(); ++i) outputs.emplace_back(kept, static_cast<int>(i));
    seen.emplace(std::move(key), outputs);
    return outputs;
  });
}

}  // namespace keratin
