// Products of whole sequences that only one scan reads move into it: what a step needs is computed in the step, while
// it is in the cache, and is never written to memory as a sequence.
#include <algorithm>
#include <optional>
#include <unordered_map>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/scan.h"
#include "keratin/core/ops/shaping.h"

namespace keratin {
namespace {

// A step's product must be worth reading the weights once more.
constexpr std::int64_t kFewestRows = 32;

using Uses = std::unordered_map<const Node*, int>;

Uses uses_of(const Program& program) {
  Uses uses;
  for (const NodePtr& node : topological_order(program.roots())) {
    for (const Value& input : node->inputs()) ++uses[input.node().get()];
  }
  for (const Value& output : program.outputs) ++uses[output.node().get()];
  return uses;
}

// A·B + bias of all steps: a (length · n, k), b (k, m).
struct Projection {
  Value a, b, bias;  // the bias may be empty
  FusedActivation activation = FusedActivation::none;
};

std::optional<Projection> projection_of(const Value& value) {
  const Node& node = *value.node();
  if (node.is(kMatMul)) {
    const auto& a = node.attrs_as<MatMulAttrs>();
    if (a.transpose_a || a.transpose_b || value.rank() != 2) return {};
    return Projection{node.input(0), node.input(1), {}, FusedActivation::none};
  }
  if (node.is(kMatMulFused)) {
    const auto& a = node.attrs_as<MatMulFusedAttrs>();
    if (a.transpose_a || a.transpose_b) return {};
    return Projection{node.input(0), node.input(1), a.bias ? node.input(2) : Value(), a.activation};
  }
  return {};
}

Value input_of_body(const Spec& spec) { return apply1(kScanInput, ScanInputAttrs{"p", spec}, {}); }

Value product(const Value& a, const Value& b, const Value& bias, FusedActivation activation) {
  if (!bias && activation == FusedActivation::none) return apply1(kMatMul, MatMulAttrs{}, {a, b});
  Values operands = {a, b};
  if (bias) operands.push_back(bias);
  return apply1(kMatMulFused, MatMulFusedAttrs{false, false, static_cast<bool>(bias), activation}, operands);
}

// One scan that is being changed.
class Scan {
 public:
  Scan(const Node& node, Values inputs)
      : attrs_(node.attrs_as<ScanAttrs>()), body_(*attrs_.body), inputs_(std::move(inputs)) {}

  // The product of sequence `i` is computed in each step.
  void pull(std::size_t i, const Projection& p) {
    const Value old = body_.inputs[i];
    const std::int64_t rows = old.shape()[0], terms = p.b.shape()[0];
    const Value x = input_of_body({{rows, terms}, old.dtype()});
    inputs_[i] = ops::reshape(p.a, {attrs_.length, rows, terms});
    body_.inputs[i] = x;
    const Value bias = p.bias ? invariant(p.bias) : Value();
    if (p.activation != FusedActivation::none || !join_sum(old, x, p.b, bias)) {
      substitute_in_body(old, product(x, invariant(p.b), bias, p.activation));
    }
  }

  Values finish() {
    attrs_.body = std::make_shared<const ScanBody>(std::move(body_));
    return apply_scan(std::move(attrs_), std::move(inputs_));
  }

 private:
  Value invariant(const Value& outside) {
    inputs_.push_back(outside);
    body_.inputs.push_back(input_of_body(outside.spec()));
    return body_.inputs.back();
  }

  void substitute_in_body(const Value& from, const Value& to) {
    body_.outputs = substitute(body_.outputs, Values{from}, Values{to});
  }

  // Where the body adds h·U to what was x·W, with an invariant U: both are one product, of h beside x and U below W,
  // whose weights are put together once.
  bool join_sum(const Value& old, const Value& x, const Value& w, const Value& bias) {
    NodePtr sum;
    int uses = 0;
    const std::vector<NodePtr> nodes = topological_order(body_.outputs);
    for (const NodePtr& node : nodes) {
      for (const Value& input : node->inputs()) {
        if (input != old) continue;
        ++uses;
        if (node->is(kAdd)) sum = node;
      }
    }
    if (!sum || uses != 1 || std::find(body_.outputs.begin(), body_.outputs.end(), old) != body_.outputs.end()) {
      return false;
    }
    const Value other = sum->input(0) == old ? sum->input(1) : sum->input(0);
    if (!other.node()->is(kMatMul) || other.shape() != old.shape()) return false;
    const auto& flags = other.node()->attrs_as<MatMulAttrs>();
    const Value &h = other.node()->input(0), &u = other.node()->input(1);
    const auto first_invariant = static_cast<std::size_t>(attrs_.sequences + attrs_.carries);
    const auto place = std::find(body_.inputs.begin(), body_.inputs.end(), u) - body_.inputs.begin();
    const auto at = static_cast<std::size_t>(place);
    if (flags.transpose_a || flags.transpose_b || h.rank() != 2 || at < first_invariant || at >= inputs_.size()) {
      return false;
    }
    const Value weights = invariant(ops::concatenate({w, inputs_[at]}, 0));
    substitute_in_body(sum->output(), product(ops::concatenate({x, h}, 1), weights, bias, FusedActivation::none));
    return true;
  }

  ScanAttrs attrs_;
  ScanBody body_;
  Values inputs_;
};

}  // namespace

Program pull_projections(const Program& program, const Backend& backend) {
  // Elsewhere one launch for all steps beats a launch in each.
  if (!backend.shares_host_memory()) return program;
  const Uses uses = uses_of(program);
  return rewrite(program, [&](const NodePtr& node, const Values& inputs) -> Values {
    if (!node->is(kScan) || node->attrs_as<ScanAttrs>().plan) return {};
    const auto& attrs = node->attrs_as<ScanAttrs>();
    std::optional<Scan> scan;
    for (std::size_t i = 0; i < static_cast<std::size_t>(attrs.sequences); ++i) {
      const Shape step = attrs.body->inputs[i].shape();
      const Value& sequence = inputs[i];
      if (step.rank() != 2 || step[0] < kFewestRows || !sequence.node()->is(kReshape)) continue;
      const Node* before = node->input(static_cast<int>(i)).node().get();
      if (uses.at(before) != 1 || uses.at(before->input(0).node().get()) != 1) continue;
      const auto projection = projection_of(sequence.node()->input(0));
      if (!projection || projection->a.shape()[0] != attrs.length * step[0] || projection->b.shape()[1] != step[1]) {
        continue;
      }
      if (!scan) scan.emplace(*node, inputs);
      scan->pull(i, *projection);
    }
    return scan ? scan->finish() : Values{};
  });
}

}  // namespace keratin
