// Joins element-wise ops of one shape. Nodes are taken in order, and each joins the open group of its shape; a group is
// closed, and so computed, before the first node that needs it and cannot join. Open groups never depend on each other.
// Sums over all axes but the last join what they sum.
#include <algorithm>
#include <list>
#include <unordered_map>
#include <unordered_set>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/fused_elementwise.h"
#include "keratin/core/ops/shaping.h"

namespace keratin {
namespace {

constexpr std::size_t kMostMembers = 40, kMostOperands = 24;

using Users = std::unordered_map<const Node*, std::vector<const Node*>>;

Users users_of(const Program& program) {
  Users users;
  for (const NodePtr& node : topological_order(program.roots())) {
    for (const Value& input : node->inputs()) users[input.node().get()].push_back(node.get());
  }
  for (const Value& output : program.outputs) users[output.node().get()].push_back(nullptr);
  return users;
}

// One floating dtype for the operands and the single result.
bool is_member(const Node& node) {
  if (!node.is_op() || !is_fusible(node.op()) || !is_floating(node.outputs()[0].dtype)) return false;
  const auto first = node.inputs().begin() + (node.is(kWhere) ? 1 : 0);  // behind the condition
  return std::all_of(first, node.inputs().end(),
                     [&](const Value& input) { return input.dtype() == node.outputs()[0].dtype; });
}

// What a backend computes together.
bool computes(const Backend& backend, const Values& inputs, const Value& result) {
  const FusedElementwiseAttrs attrs{std::make_shared<const ScanBody>(ScanBody{inputs, {result}})};
  std::vector<SpecView> specs;
  for (const Value& input : inputs) specs.push_back({input.shape(), input.dtype()});
  const SpecView to{result.shape(), result.dtype()};
  return backend.supports(kFusedElementwise.name, attrs, specs, {&to, 1});
}
Value body_input(const Spec& spec) { return apply1(kScanInput, ScanInputAttrs{"x", spec}, {}); }

// Whether the backend computes such groups at all.
bool has_groups(const Backend& backend) {
  const Value x = body_input({{2, 2}, DType::float32});
  return computes(backend, {x}, ops::exp(ops::square(x)));
}
// Whether groups may choose by conditions, and have operands with an element for each row.
bool has_columns(const Backend& backend) {
  const Value x = body_input({{2, 3}, DType::float32}), y = body_input({{2, 1}, DType::float32}),
              c = body_input({{2, 1}, DType::boolean});
  return computes(backend, {c, x, y}, ops::where(c, x * y, x));
}

// The slices of a sum, say, are sums of slices: where nobody needs the whole, its parts can join what uses them.
Program push_slices(const Program& program) {
  const Users users = users_of(program);
  return rewrite(program, [&](const NodePtr& node, const Values& inputs) -> Values {
    const auto begin = last_axis_slice(*node);
    if (!begin) return {};
    const Node& whole = *node->input(0).node();
    if (!is_member(whole) || whole.is(kWhere)) return {};
    std::int64_t used = 0;
    for (const Node* user : users.at(&whole)) {
      if (!user || !last_axis_slice(*user)) return {};
      used += user->outputs()[0].shape.size();
    }
    if (used > whole.outputs()[0].shape.size()) return {};
    const std::int64_t size = node->outputs()[0].shape[-1], all = whole.outputs()[0].shape[-1];
    Values parts;
    for (const Value& operand : inputs[0].node()->inputs()) {
      if (operand.rank() == 0 || operand.shape()[-1] == 1) {
        parts.push_back(operand);
        continue;
      }
      if (operand.shape()[-1] != all) return {};
      std::vector<std::int64_t> first(static_cast<std::size_t>(operand.rank()), 0), length(first.size(), -1);
      first.back() = *begin;
      length.back() = size;
      parts.push_back(ops::slice(operand, first, length));
    }
    return apply(whole.op(), whole.attrs(), parts);
  });
}

class Grouper {
 public:
  Grouper(const Program& program, const Backend& backend)
      : program_(program), backend_(backend), columns_(has_columns(backend)), users_(users_of(program)) {}

  Program run() {
    std::vector<NodePtr> roots = program_.roots();
    for (const Value& input : program_.inputs) roots.push_back(input.node());
    for (const NodePtr& node : topological_order(roots)) take(node);
    while (!open_.empty()) close(open_.begin());
    Program result{.name = program_.name, .inputs = {}, .outputs = {}, .updates = {}, .gradients = {}};
    for (const Value& value : program_.inputs) result.inputs.push_back(mapped(value));
    for (const Value& value : program_.outputs) result.outputs.push_back(mapped(value));
    for (const Value& value : program_.gradients) {
      if (done_.contains(value.node().get()) && mapped(value)) result.gradients.push_back(mapped(value));
    }
    for (const NodePtr& update : program_.updates) result.updates.push_back(done_.at(update.get())[0].node());
    return result;
  }

 private:
  struct Group {
    Spec spec;
    std::int64_t row = 0;  // elements of the rows that operands repeat, or that slices are made of; 0: none yet
    std::vector<NodePtr> members;
    std::size_t computed = 0;  // members that are element-wise ops
    std::unordered_set<const Node*> operands;
  };
  using Place = std::list<Group>::iterator;

  Value mapped(const Value& value) const {
    return done_.at(value.node().get())[static_cast<std::size_t>(value.index())];
  }

  // What an operand asks of the group's rows: 0 nothing, -1 that it cannot take part.
  std::int64_t row_of(const Shape& operand, const Shape& whole) const {
    const auto reach = reach_of(operand, whole);
    return !reach || (reach->reach == Reach::column && !columns_) ? -1 : reach->columns;
  }

  // What group the node may join: of values like these, whose rows have so many elements (0: any number).
  struct Wish {
    Spec spec;
    std::int64_t row = 0;
  };
  std::optional<Wish> wish_of(const Node& node) const {
    if (!node.is_op() || node.outputs().size() != 1) return {};
    const Spec& spec = node.outputs()[0];
    if (spec.shape.size() == 0 || !is_floating(spec.dtype)) return {};
    if (last_axis_slice(node)) return Wish{spec, spec.shape[-1]};
    if (is_row_reduction(node)) {
      const Spec& whole = node.input(0).spec();
      if (whole.dtype != spec.dtype || whole.shape.size() == spec.shape.size()) return {};
      return Wish{whole, whole.shape[-1]};
    }
    if (!is_member(node) || (node.is(kWhere) && !columns_)) return {};
    std::int64_t row = 0;
    for (const Value& input : node.inputs()) {
      const std::int64_t asked = row_of(input.shape(), spec.shape);
      if (asked < 0 || (asked > 0 && row > 0 && asked != row)) return {};
      row = std::max(row, asked);
    }
    return Wish{spec, row};
  }

  // Values of one open group, next to each other along the last axis.
  std::optional<Place> joins_as_concatenation(const Node& node) {
    if (!node.is(kConcatenate) || node.inputs().size() < 2 || node.outputs()[0].shape.rank() == 0 ||
        node.attrs_as<ConcatenateAttrs>().axis != node.outputs()[0].shape.rank() - 1) {
      return {};
    }
    std::optional<Place> place;
    for (const Value& input : node.inputs()) {
      const auto found = place_of_.find(input.node().get());
      if (found == place_of_.end() || (place && *place != found->second) || input.spec() != found->second->spec ||
          input.node()->is(kSlice)) {
        return {};
      }
      place = found->second;
    }
    const std::int64_t row = (*place)->spec.shape[-1];
    if ((*place)->row != 0 && (*place)->row != row) return {};
    (*place)->row = row;
    return place;
  }

  void take(const NodePtr& node) {
    if (const auto place = joins_as_concatenation(*node)) return join(*place, node);
    const std::optional<Wish> wish = wish_of(*node);
    // The group it may join, and those that must be computed before.
    Place own = open_.end();
    if (wish) {
      own = std::find_if(open_.begin(), open_.end(), [&](const Group& g) { return g.spec == wish->spec; });
      if (own != open_.end()) {
        std::unordered_set<const Node*> operands = own->operands;
        for (const Value& input : node->inputs()) operands.insert(input.node().get());
        const bool fits = own->row == 0 || wish->row == 0 || own->row == wish->row;
        if (!fits || own->members.size() >= kMostMembers || operands.size() > kMostOperands + own->members.size()) {
          close(own);
          own = open_.end();
        }
      }
    }
    const bool reads_members = wish && !node->is(kSlice);
    for (const Value& input : node->inputs()) {
      const auto found = place_of_.find(input.node().get());
      if (found == place_of_.end()) continue;
      if (reads_members && found->second == own && input.spec() == own->spec) continue;
      if (found->second == own) own = open_.end();
      close(found->second);
    }
    if (!wish) return emit(node);
    if (own == open_.end()) own = open_.insert(open_.end(), Group{wish->spec, 0, {}, 0, {}});
    if (wish->row > 0) own->row = wish->row;
    join(own, node);
  }

  void join(Place place, const NodePtr& node) {
    place->members.push_back(node);
    if (is_member(*node)) ++place->computed;
    for (const Value& input : node->inputs()) place->operands.insert(input.node().get());
    place_of_.emplace(node.get(), place);
  }

  // The node by itself, on the rebuilt inputs.
  void emit(const NodePtr& node) {
    const ScopeOverride scope(node->scope());
    Values inputs, outputs;
    for (const Value& input : node->inputs()) inputs.push_back(mapped(input));
    const NodePtr kept = inputs == node->inputs()
                             ? node
                             : std::make_shared<const Node>(node->op(), node->attrs(), inputs, node->outputs());
    for (std::size_t i = 0; i < node->outputs().size(); ++i) outputs.emplace_back(kept, static_cast<int>(i));
    done_[node.get()] = std::move(outputs);
  }

  void close(Place place) {
    const Group closed = std::move(*place);
    open_.erase(place);
    std::unordered_set<const Node*> inside;
    for (const NodePtr& member : closed.members) {
      place_of_.erase(member.get());
      inside.insert(member.get());
    }
    if (closed.computed == 0 || closed.members.size() < 2 || !emit_together(closed, inside)) {
      for (const NodePtr& member : closed.members) emit(member);
    }
  }

  bool emit_together(const Group& closed, const std::unordered_set<const Node*>& inside) {
    const ScopeOverride scope(closed.members.back()->scope());
    std::unordered_map<const Node*, Value> in_body;
    std::vector<std::pair<Value, Value>> stand_ins;  // outside, in the body
    ScanBody body;
    Values arguments;
    std::vector<const Node*> results;
    for (const NodePtr& member : closed.members) {
      Values operands;
      for (const Value& input : member->inputs()) {
        if (inside.contains(input.node().get())) {
          operands.push_back(in_body.at(input.node().get()));
          continue;
        }
        const Value outside = mapped(input);
        auto known =
            std::find_if(stand_ins.begin(), stand_ins.end(), [&](const auto& s) { return s.first == outside; });
        if (known == stand_ins.end()) {
          body.inputs.push_back(apply1(kScanInput, ScanInputAttrs{"x", outside.spec()}, {}));
          arguments.push_back(outside);
          known = stand_ins.insert(stand_ins.end(), {outside, body.inputs.back()});
        }
        operands.push_back(known->second);
      }
      const Value value = apply1(member->op(), member->attrs(), operands);
      in_body.emplace(member.get(), value);
      const std::vector<const Node*>& users = users_.at(member.get());
      if (std::any_of(users.begin(), users.end(), [&](const Node* user) { return !user || !inside.contains(user); })) {
        body.outputs.push_back(value);
        results.push_back(member.get());
      }
    }
    std::vector<SpecView> input_specs, output_specs;
    for (const Value& argument : arguments) input_specs.push_back({argument.shape(), argument.dtype()});
    for (const Value& output : body.outputs) output_specs.push_back({output.shape(), output.dtype()});
    const FusedElementwiseAttrs attrs{std::make_shared<const ScanBody>(std::move(body))};
    if (!backend_.supports(kFusedElementwise.name, attrs, input_specs, output_specs)) return false;
    const Values outputs = apply(kFusedElementwise, attrs, std::move(arguments));
    for (const Node* member : inside) done_[member] = {Value()};
    for (std::size_t i = 0; i < results.size(); ++i) done_[results[i]] = {outputs[i]};
    return true;
  }

  const Program& program_;
  const Backend& backend_;
  const bool columns_;
  const Users users_;
  std::list<Group> open_;
  std::unordered_map<const Node*, Place> place_of_;  // of members of open groups
  std::unordered_map<const Node*, Values> done_;     // what stands for a node's outputs; empty inside of a group
};

}  // namespace

Program group(const Program& program, const Backend& backend) {
  if (!has_groups(backend)) return program;
  return Grouper(push_slices(program), backend).run();
}

}  // namespace keratin
