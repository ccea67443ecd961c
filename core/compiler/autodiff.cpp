#include "keratin/core/compiler/autodiff.h"

#include <unordered_map>
#include <unordered_set>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

// Adjoints of all values between `loss` and the nodes of `targets`.
class Backward {
 public:
  Backward(const Value& loss, const std::unordered_set<const Node*>& targets) {
    if (loss.rank() != 0 || !is_floating(loss.dtype())) {
      throw InvalidArgument("gradients: the loss must be a floating scalar, got " + loss.spec().to_string());
    }
    const std::vector<NodePtr> order = topological_order(std::span<const Value>(&loss, 1));
    std::unordered_set<const Node*> on_path = targets;
    for (const NodePtr& node : order) {
      for (const Value& input : node->inputs()) {
        if (on_path.contains(input.node().get())) on_path.insert(node.get());
      }
    }
    add(loss, constant(Tensor::full(Shape{}, 1.0, loss.dtype())));
    for (auto node = order.rbegin(); node != order.rend(); ++node) {
      if (on_path.contains(node->get())) propagate(**node, on_path);
    }
  }

  Value of(const Value& value) const {
    auto found = adjoints_.find(value.node().get());
    return found == adjoints_.end() ? Value() : found->second[static_cast<std::size_t>(value.index())];
  }

 private:
  void add(const Value& value, const Value& gradient) {
    Values& slots = adjoints_[value.node().get()];
    slots.resize(value.node()->outputs().size());
    Value& slot = slots[static_cast<std::size_t>(value.index())];
    slot = slot ? ops::add(slot, gradient) : gradient;
  }

  void propagate(const Node& node, const std::unordered_set<const Node*>& on_path) {
    auto found = adjoints_.find(&node);
    if (found == adjoints_.end() || node.inputs().empty() || !node.op().gradient) return;
    const ScopeOverride scope(node.scope());
    const Values dy = found->second;
    const Values dx = node.op().gradient(node, dy);
    for (std::size_t i = 0; i < dx.size(); ++i) {
      const Value& input = node.inputs()[i];
      if (!dx[i] || !on_path.contains(input.node().get()) || !is_floating(input.dtype())) continue;
      if (dx[i].shape() != input.shape()) {
        throw InvalidArgument("gradient of " + std::string(node.op().name) + ": input " + std::to_string(i) +
                              " has shape " + input.shape().to_string() + ", its gradient " +
                              dx[i].shape().to_string());
      }
      add(input, dx[i]);
    }
  }

  std::unordered_map<const Node*, Values> adjoints_;
};

}  // namespace

Values gradients(const Value& loss, std::span<const Value> targets) {
  std::unordered_set<const Node*> nodes;
  for (const Value& target : targets) nodes.insert(target.node().get());
  const Backward backward(loss, nodes);
  Values result;
  for (const Value& target : targets) result.push_back(backward.of(target));
  return result;
}

Values gradients(const Value& loss, std::span<const VariablePtr> variables) {
  std::unordered_map<const VariableState*, Values> reads;
  std::unordered_set<const Node*> nodes;
  for (const VariablePtr& variable : variables) reads[variable.get()];
  for (const NodePtr& node : topological_order(std::span<const Value>(&loss, 1))) {
    if (!node->is(kRead)) continue;
    auto found = reads.find(node->attrs_as<ReadAttrs>().variable.get());
    if (found == reads.end()) continue;
    found->second.push_back(node->output());
    nodes.insert(node.get());
  }
  const Backward backward(loss, nodes);
  Values result;
  for (const VariablePtr& variable : variables) {
    Value sum;
    for (const Value& read : reads.at(variable.get())) {
      const Value part = backward.of(read);
      if (part) sum = sum ? ops::add(sum, part) : part;
    }
    result.push_back(sum);
  }
  return result;
}

}  // namespace keratin
