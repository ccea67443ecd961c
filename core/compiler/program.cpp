#include "keratin/core/compiler/program.h"

#include <unordered_map>

namespace keratin {

std::vector<NodePtr> Program::roots() const {
  std::vector<NodePtr> roots;
  for (const Value& value : outputs) roots.push_back(value.node());
  for (const NodePtr& update : updates) roots.push_back(update);
  return roots;
}

std::string Program::to_string() const {
  std::string result = "program " + name + "\n";
  std::unordered_map<const Node*, int> numbers;
  for (const NodePtr& node : topological_order(roots())) {
    const int number = static_cast<int>(numbers.size());
    numbers.emplace(node.get(), number);
    result += "%" + std::to_string(number) + " = ";
    if (node->is_op()) {
      const std::string attrs = node->op().describe ? node->op().describe(node->attrs()) : "";
      result += std::string(node->op().name) + (attrs.empty() ? "" : "{" + attrs + "}");
    } else {
      result += node->layer()->class_name() + " '" + node->layer()->name() + "'";
    }
    result += "(";
    for (std::size_t i = 0; i < node->inputs().size(); ++i) {
      const Value& input = node->inputs()[i];
      result += (i ? ", %" : "%") + std::to_string(numbers.at(input.node().get()));
      if (input.index() > 0) result += "." + std::to_string(input.index());
    }
    result += ")";
    for (const Spec& spec : node->outputs()) result += "  " + spec.to_string();
    result += (node->scope().empty() ? "" : "  in " + node->scope()) + "\n";
  }
  if (!outputs.empty()) result += "->";
  for (const Value& output : outputs) {
    result += " %" + std::to_string(numbers.at(output.node().get()));
    if (output.index() > 0) result += "." + std::to_string(output.index());
  }
  return result + (outputs.empty() ? "" : "\n");
}

Program rewrite(const Program& program, const Replace& replace) {
  std::unordered_map<const Node*, Values> done;
  auto mapped = [&](const Value& value) {
    return done.at(value.node().get())[static_cast<std::size_t>(value.index())];
  };
  std::vector<NodePtr> roots = program.roots();
  for (const Value& input : program.inputs) roots.push_back(input.node());
  for (const NodePtr& node : topological_order(roots)) {
    const ScopeOverride scope(node->scope());
    Values inputs;
    bool changed = false;
    for (const Value& input : node->inputs()) {
      inputs.push_back(mapped(input));
      changed = changed || inputs.back() != input;
    }
    Values outputs = replace(node, inputs);
    if (outputs.empty()) {
      NodePtr kept = node;
      if (changed) kept = std::make_shared<const Node>(node->op(), node->attrs(), inputs, node->outputs());
      for (std::size_t i = 0; i < node->outputs().size(); ++i) outputs.emplace_back(kept, static_cast<int>(i));
    }
    done.emplace(node.get(), std::move(outputs));
  }
  Program result{.name = program.name, .inputs = {}, .outputs = {}, .updates = {}, .gradients = {}};
  for (const Value& value : program.inputs) result.inputs.push_back(mapped(value));
  for (const Value& value : program.outputs) result.outputs.push_back(mapped(value));
  // A gradient that a fused op has swallowed is no value of its own any more.
  for (const Value& value : program.gradients) {
    if (done.contains(value.node().get())) result.gradients.push_back(mapped(value));
  }
  for (const NodePtr& update : program.updates) {
    // An update may have been decomposed into several writes.
    for (const Value& value : done.at(update.get())) {
      if (result.updates.empty() || result.updates.back() != value.node()) result.updates.push_back(value.node());
    }
  }
  return result;
}

}  // namespace keratin
