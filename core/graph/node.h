// Node: an immutable step of a graph, either an op or the call of a layer.
#pragma once

#include <any>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "keratin/core/graph/op_def.h"
#include "keratin/core/graph/value.h"

namespace keratin {

class TraceContext;

// What a layer-call node calls; implemented by core/model. `expand` composes ops for known input shapes.
class Callable {
 public:
  virtual ~Callable() = default;
  virtual const std::string& name() const = 0;
  // The class, e.g. "Conv2D".
  virtual std::string class_name() const = 0;
  virtual Values expand(std::span<const Value> inputs, const std::any& call_options, TraceContext& context) = 0;
};

class Node : public std::enable_shared_from_this<Node> {
 public:
  Node(const OpDef& op, std::any attrs, Values inputs, std::vector<Spec> outputs);
  Node(std::shared_ptr<Callable> layer, std::any call_options, Values inputs, std::vector<Spec> outputs);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  bool is_op() const { return op_ != nullptr; }
  bool is(const OpDef& op) const { return op_ == &op; }
  const OpDef& op() const { return *op_; }
  const std::shared_ptr<Callable>& layer() const { return layer_; }
  const std::any& attrs() const { return attrs_; }
  template <class Attrs>
  const Attrs& attrs_as() const {
    return std::any_cast<const Attrs&>(attrs_);
  }
  const Values& inputs() const { return inputs_; }
  const Value& input(int i) const { return inputs_[static_cast<std::size_t>(i)]; }
  const std::vector<Spec>& outputs() const { return outputs_; }
  Value output(int i = 0) const { return Value(shared_from_this(), i); }
  // The layers inside which the node was made, e.g. "model/conv2d_1".
  const std::string& scope() const { return scope_; }
  // Grows with creation: a node's inputs always have smaller numbers.
  std::uint64_t id() const { return id_; }

 private:
  const OpDef* op_ = nullptr;
  std::shared_ptr<Callable> layer_;
  std::any attrs_;
  Values inputs_;
  std::vector<Spec> outputs_;
  std::string scope_;
  std::uint64_t id_;
};

// Makes an op node: infers the output specs and checks the inputs. Unknown sizes (-1) among the inputs stay unknown in
// the outputs they reach. Throws InvalidArgument as "<op>: ...".
Values apply(const OpDef& op, std::any attrs, Values inputs);
// The same for ops with one output.
Value apply1(const OpDef& op, std::any attrs, Values inputs);

// Adds `name` to the scope of the nodes made while it lives (per thread).
class ScopeGuard {
 public:
  explicit ScopeGuard(const std::string& name);
  ~ScopeGuard();
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;
  static const std::string& current();

 private:
  std::size_t length_;
};

// Replaces the scope while it lives: gradients and rewritten nodes belong to the layer of the node they come from.
class ScopeOverride {
 public:
  explicit ScopeOverride(const std::string& scope);
  ~ScopeOverride();
  ScopeOverride(const ScopeOverride&) = delete;
  ScopeOverride& operator=(const ScopeOverride&) = delete;

 private:
  std::string previous_;
};

// The nodes reachable from `roots`, inputs before users.
std::vector<NodePtr> topological_order(std::span<const NodePtr> roots);
std::vector<NodePtr> topological_order(std::span<const Value> roots);

// `values` with `to` in place of `from`: ops whose inputs change are applied again, the others stay.
Values substitute(std::span<const Value> values, std::span<const Value> from, std::span<const Value> to);

}  // namespace keratin
