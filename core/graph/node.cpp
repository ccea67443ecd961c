#include "keratin/core/graph/node.h"

#include <algorithm>
#include <atomic>
#include <unordered_map>
#include <unordered_set>

#include "keratin/core/graph/detail/infer_with_unknowns.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

std::atomic<std::uint64_t> next_id{1};
thread_local std::string current_scope;

std::vector<Spec> specs_of(const Values& values) {
  std::vector<Spec> specs;
  specs.reserve(values.size());
  for (const Value& value : values) specs.push_back(value.spec());
  return specs;
}

template <class Roots, class NodeOf>
std::vector<NodePtr> order_from(const Roots& roots, NodeOf node_of) {
  std::vector<NodePtr> order;
  std::unordered_set<const Node*> seen;
  std::vector<std::pair<NodePtr, std::size_t>> stack;  // a node and how many of its inputs are done
  for (const auto& root : roots) {
    const NodePtr& start = node_of(root);
    if (!start || !seen.insert(start.get()).second) continue;
    stack.emplace_back(start, 0);
    while (!stack.empty()) {
      auto& [node, done] = stack.back();
      if (done == node->inputs().size()) {
        order.push_back(std::move(node));
        stack.pop_back();
        continue;
      }
      const NodePtr& input = node->inputs()[done++].node();
      if (input && seen.insert(input.get()).second) stack.emplace_back(input, 0);
    }
  }
  return order;
}

}  // namespace

Value::Value() = default;
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

Node::Node(const OpDef& op, std::any attrs, Values inputs, std::vector<Spec> outputs)
    : op_(&op),
      attrs_(std::move(attrs)),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      scope_(current_scope),
      id_(next_id++) {}

Node::Node(std::shared_ptr<Callable> layer, std::any call_options, Values inputs, std::vector<Spec> outputs)
    : layer_(std::move(layer)),
      attrs_(std::move(call_options)),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      scope_(current_scope),
      id_(next_id++) {}

// Long chains (an unrolled loop) must not be destroyed by recursion, which would exhaust the stack.
Node::~Node() {
  Values pending = std::move(inputs_);
  while (!pending.empty()) {
    NodePtr node = pending.back().node();
    pending.pop_back();
    if (!node) continue;
    // Still two owners are counted when only `pending` held it before: the popped copy is gone, `node` remains.
    if (node.use_count() == 1) {
      auto& inputs = const_cast<Node&>(*node).inputs_;  // the last owner may take it apart
      for (Value& input : inputs) pending.push_back(std::move(input));
      inputs.clear();
    }
  }
}

const Spec& Value::spec() const {
  if (!node_) throw InvalidArgument("an empty Value was used; it is the result of no layer or op");
  return node_->outputs()[static_cast<std::size_t>(index_)];
}

Values apply(const OpDef& op, std::any attrs, Values inputs) {
  try {
    const std::vector<Spec> input_specs = specs_of(inputs);
    std::vector<Spec> outputs =
        infer_with_unknowns(input_specs, [&](std::span<const Spec> known) { return op.infer(attrs, known); });
    const std::size_t count = outputs.size();
    auto node = std::make_shared<const Node>(op, std::move(attrs), std::move(inputs), std::move(outputs));
    Values results;
    for (std::size_t i = 0; i < count; ++i) results.emplace_back(node, static_cast<int>(i));
    return results;
  } catch (const Error& error) {
    error.rethrow_in(op.name);
    throw;  // never reached; g++ does not see that a virtual function does not return
  }
}

Value apply1(const OpDef& op, std::any attrs, Values inputs) {
  return apply(op, std::move(attrs), std::move(inputs)).front();
}

ScopeGuard::ScopeGuard(const std::string& name) : length_(current_scope.size()) {
  if (!current_scope.empty()) current_scope += '/';
  current_scope += name;
}
ScopeGuard::~ScopeGuard() { current_scope.resize(length_); }
const std::string& ScopeGuard::current() { return current_scope; }

ScopeOverride::ScopeOverride(const std::string& scope) : previous_(current_scope) { current_scope = scope; }
ScopeOverride::~ScopeOverride() { current_scope = std::move(previous_); }

std::vector<NodePtr> topological_order(std::span<const NodePtr> roots) {
  return order_from(roots, [](const NodePtr& node) -> const NodePtr& { return node; });
}
std::vector<NodePtr> topological_order(std::span<const Value> roots) {
  return order_from(roots, [](const Value& value) -> const NodePtr& { return value.node(); });
}

Values substitute(std::span<const Value> values, std::span<const Value> from, std::span<const Value> to) {
  std::unordered_map<const Node*, Values> changed;
  const auto replaced = [&](const Value& value) {
    const auto direct = std::find(from.begin(), from.end(), value);
    if (direct != from.end()) return to[static_cast<std::size_t>(direct - from.begin())];
    const auto found = changed.find(value.node().get());
    return found == changed.end() ? value : found->second[static_cast<std::size_t>(value.index())];
  };
  for (const NodePtr& node : topological_order(values)) {
    Values inputs;
    bool same = true;
    for (const Value& input : node->inputs()) {
      inputs.push_back(replaced(input));
      same = same && inputs.back() == input;
    }
    if (same) continue;
    const ScopeOverride scope(node->scope().empty() ? ScopeGuard::current() : node->scope());
    changed.emplace(node.get(), apply(node->op(), node->attrs(), std::move(inputs)));
  }
  Values result;
  for (const Value& value : values) result.push_back(replaced(value));
  return result;
}

}  // namespace keratin
