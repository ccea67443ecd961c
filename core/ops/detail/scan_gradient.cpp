#include "keratin/core/ops/detail/scan_gradient.h"

#include <algorithm>
#include <functional>
#include <unordered_set>

#include "keratin/core/ops/detail/pull_back.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/scan.h"
#include "keratin/core/ops/shaping.h"

namespace keratin {
namespace {

Value stand_in(const Value& value) { return apply1(kScanInput, ScanInputAttrs{"g", value.spec()}, {}); }

// With the step (x_t, c_t, w) -> (c_{t+1}, y_t) and the gradients of all c_{t+1} and y_t, the gradients of x_t, c_t and
// w are the pull-back of the step: a step backwards, whose carries are the gradients of c and the sums of those of w.
// What it uses of the step forwards comes as sequences: a scan that also collects these takes the place of the first
// one (the compiler merges them).
//
// The gradient of a w is a sum over all steps. Where it is a product over the rows of a step, as that of a kernel is,
// or a sum over them, as that of a bias, the steps' rows are collected and the sum is taken once, after the scan: one
// large product instead of many small ones.
class ScanGradient {
 public:
  ScanGradient(const Node& node, std::span<const Value> dy) : node_(node), attrs_(node.attrs_as<ScanAttrs>()), dy_(dy) {
    pull_back_step();
  }

  Values run() {
    const auto& inputs = attrs_.body->inputs;
    // The gradients of the inputs as functions of the scan's results; made now, used when there are results.
    const std::size_t count = inputs.size();
    std::vector<std::function<Value()>> gradients(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (!dv_[i]) continue;
      if (is_sequence(i)) {
        gradients[i] = [this, at = collect(dv_[i])] { return collected_[at]; };
      } else if (!is_carry(i)) {
        gradients[i] = summed(dv_[i]);
      }
    }
    find_used();
    run_scan();
    Values dx(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (gradients[i]) dx[i] = gradients[i]();
    }
    for (std::size_t k = 0; k < carried_.size(); ++k) {
      if (carried_[k].input >= 0) dx[static_cast<std::size_t>(carried_[k].input)] = finals_[k];
    }
    return dx;
  }

 private:
  struct Carried {
    Value before, after, start;  // in the step, and before the first one
    int input = -1;              // of the scan, whose gradient this is
  };

  bool is_sequence(std::size_t input) const { return static_cast<int>(input) < attrs_.sequences; }
  bool is_carry(std::size_t input) const {
    return !is_sequence(input) && static_cast<int>(input) < attrs_.sequences + attrs_.carries;
  }

  void pull_back_step() {
    const ScanBody& body = *attrs_.body;
    const auto carries = static_cast<std::size_t>(attrs_.carries);
    for (const NodePtr& node : topological_order(body.outputs)) forward_.insert(node.get());
    for (const Value& input : body.inputs) forward_.insert(input.node().get());
    Values seeds(body.outputs.size());
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      const Value& output = body.outputs[i];
      if (!is_floating(output.dtype())) continue;
      if (i < carries) {
        seeds[i] = stand_in(output);
        const Value start = dy_[i] ? dy_[i] : ops::zeros_like(node_.output(static_cast<int>(i)));
        carried_.push_back({seeds[i], Value(), start, attrs_.sequences + static_cast<int>(i)});
      } else if (dy_[i]) {
        seeds[i] = stand_in(output);
        sequence_stand_ins_.push_back(seeds[i]);
        sequences_.push_back(dy_[i]);
      }
    }
    Values targets;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < body.inputs.size(); ++i) {
      if (!is_floating(body.inputs[i].dtype())) continue;
      targets.push_back(body.inputs[i]);
      places.push_back(i);
    }
    const Values gradients = pull_back(body.outputs, seeds, targets);
    dv_.resize(body.inputs.size());
    for (std::size_t i = 0; i < places.size(); ++i) dv_[places[i]] = gradients[i];
    for (Carried& carried : carried_) {
      const Value& gradient = dv_[static_cast<std::size_t>(carried.input)];
      carried.after = gradient ? gradient : ops::zeros_like(carried.before);
    }
  }

  // The place of a step's value among what is collected.
  std::size_t collect(const Value& value) {
    const auto found = std::find(to_collect_.begin(), to_collect_.end(), value);
    const auto place = static_cast<std::size_t>(found - to_collect_.begin());
    if (place == to_collect_.size()) to_collect_.push_back(value);
    return place;
  }

  // The sum of a step's value over all steps.
  std::function<Value()> summed(const Value& value) {
    const Node& node = *value.node();
    if (!forward_.contains(&node)) {
      if (node.is(kAdd) && node.input(0).shape() == value.shape() && node.input(1).shape() == value.shape()) {
        return [a = summed(node.input(0)), b = summed(node.input(1))] { return a() + b(); };
      }
      if (node.is(kReshape)) {
        return [inner = summed(node.input(0)), shape = value.shape()] { return ops::reshape(inner(), shape); };
      }
      // sum_t a_tᵀ·b_t is one product over the rows of all steps.
      const auto* product = node.is(kMatMul) ? &node.attrs_as<MatMulAttrs>() : nullptr;
      if (product && product->transpose_a && !product->transpose_b && value.rank() == 2 && node.input(0).rank() == 2) {
        return
            [a = rows(node.input(0)), b = rows(node.input(1))] { return ops::matmul(a(), b(), {.transpose_a = true}); };
      }
      if (node.is(kSum)) {
        const auto& reduce = node.attrs_as<ReduceAttrs>();
        std::vector<int> axes = {0};
        for (int axis : reduce.axes) axes.push_back(axis + 1);
        return [this, at = collect(node.input(0)), axes, shape = value.shape()] {
          return ops::reshape(ops::sum(collected_[at], axes), shape);
        };
      }
    }
    const Value before = stand_in(value);
    carried_.push_back({before, ops::add(before, value), ops::zeros_like(value), -1});
    return [this, k = carried_.size() - 1] { return finals_[k]; };
  }

  // The rows of a step's matrix, of all steps.
  std::function<Value()> rows(const Value& matrix) {
    const std::int64_t columns = matrix.shape()[1];
    return [this, at = collect(matrix), columns] {
      const Value& all = collected_[at];
      return ops::reshape(all, {all.shape()[0] * all.shape()[1], columns});
    };
  }

  // Values of the step forwards that the step backwards starts from: inputs of the scan, or collected by it.
  void find_used() {
    Values roots = to_collect_;
    for (const Carried& carried : carried_) roots.push_back(carried.after);
    const auto use = [&](const Value& value) {
      if (!forward_.contains(value.node().get()) || std::find(used_.begin(), used_.end(), value) != used_.end()) return;
      // Numbers are part of any body.
      if (value.node()->inputs().empty() && !value.node()->is(kScanInput)) return;
      used_.push_back(value);
    };
    for (const Value& root : roots) use(root);
    for (const NodePtr& node : topological_order(roots)) {
      if (forward_.contains(node.get())) continue;
      for (const Value& input : node->inputs()) use(input);
    }
  }

  void run_scan() {
    const ScanBody& body = *attrs_.body;
    // What must be collected on the way forwards.
    ScanBody extended = body;
    Values invariants, invariant_stand_ins, from, to, saved;
    for (const Value& value : used_) {
      const Value inside = stand_in(value);
      from.push_back(value);
      to.push_back(inside);
      const auto input = std::find(body.inputs.begin(), body.inputs.end(), value);
      const auto at = static_cast<std::size_t>(input - body.inputs.begin());
      if (input != body.inputs.end() && !is_carry(at)) {
        const Value& outside = node_.input(static_cast<int>(at));
        (is_sequence(at) ? sequences_ : invariants).push_back(outside);
        (is_sequence(at) ? sequence_stand_ins_ : invariant_stand_ins).push_back(inside);
      } else {
        extended.outputs.push_back(value);
        saved.push_back(inside);
      }
    }
    if (!saved.empty()) {
      ScanAttrs forwards = attrs_;
      forwards.body = std::make_shared<const ScanBody>(std::move(extended));
      const Values all = apply_scan(forwards, node_.inputs());
      sequences_.insert(sequences_.end(), all.end() - static_cast<std::ptrdiff_t>(saved.size()), all.end());
      sequence_stand_ins_.insert(sequence_stand_ins_.end(), saved.begin(), saved.end());
    }
    Values inputs = sequence_stand_ins_, outputs, arguments = sequences_;
    for (const Carried& carried : carried_) {
      inputs.push_back(carried.before);
      outputs.push_back(carried.after);
      arguments.push_back(carried.start);
    }
    outputs.insert(outputs.end(), to_collect_.begin(), to_collect_.end());
    inputs.insert(inputs.end(), invariant_stand_ins.begin(), invariant_stand_ins.end());
    arguments.insert(arguments.end(), invariants.begin(), invariants.end());
    ScanAttrs backwards{.sequences = static_cast<int>(sequences_.size()),
                        .carries = static_cast<int>(carried_.size()),
                        .length = attrs_.length,
                        .reverse = !attrs_.reverse};
    backwards.body = make_scan_body(inputs, substitute(outputs, from, to), arguments);
    const Values results = apply_scan(backwards, arguments);
    finals_.assign(results.begin(), results.begin() + backwards.carries);
    collected_.assign(results.begin() + backwards.carries, results.end());
  }

  const Node& node_;
  const ScanAttrs& attrs_;
  std::span<const Value> dy_;
  std::unordered_set<const Node*> forward_;  // the nodes of the step forwards
  Values dv_;                                // gradients of the body's inputs, in a step
  std::vector<Carried> carried_;
  Values to_collect_, collected_, finals_;
  Values used_;                            // of the step forwards
  Values sequence_stand_ins_, sequences_;  // of the scan backwards
};

}  // namespace

Values scan_gradient(const Node& node, std::span<const Value> dy) { return ScanGradient(node, dy).run(); }

}  // namespace keratin
