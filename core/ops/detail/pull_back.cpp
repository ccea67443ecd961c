#include "keratin/core/ops/detail/pull_back.h"

#include <unordered_map>
#include <unordered_set>

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

// Adjoints of all values between the outputs and the nodes of the targets.
class Adjoints {
 public:
  Adjoints(std::span<const Value> outputs, std::span<const Value> dy, std::span<const Value> targets) {
    std::unordered_set<const Node*> on_path;
    for (const Value& target : targets) on_path.insert(target.node().get());
    const std::vector<NodePtr> order = topological_order(outputs);
    for (const NodePtr& node : order) {
      for (const Value& input : node->inputs()) {
        if (on_path.contains(input.node().get())) on_path.insert(node.get());
      }
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (dy[i]) add(outputs[i], dy[i]);
    }
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

Values pull_back(std::span<const Value> outputs, std::span<const Value> dy, std::span<const Value> targets) {
  const Adjoints adjoints(outputs, dy, targets);
  Values result;
  for (const Value& target : targets) result.push_back(adjoints.of(target));
  return result;
}

}  // namespace keratin
