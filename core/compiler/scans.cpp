// Scans: those that compute the same become one, and what nobody uses of their results is not computed.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/scan.h"
#include "keratin/core/ops/shaping.h"

namespace keratin {
namespace {

// A scan whose body may still change.
bool is_open(const Node& node) { return node.is(kScan) && !node.attrs_as<ScanAttrs>().plan; }

std::vector<NodePtr> scans_of(const Program& program) {
  std::vector<NodePtr> scans = topological_order(program.roots());
  std::erase_if(scans, [](const NodePtr& node) { return !is_open(*node); });
  return scans;
}

bool contains(const Values& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// Whether they differ in what they collect only: a scan and what its gradient makes of it.
bool same_loop(const Node& a, const Node& b) {
  const auto &x = a.attrs_as<ScanAttrs>(), &y = b.attrs_as<ScanAttrs>();
  const auto carries = static_cast<std::ptrdiff_t>(x.carries);
  return a.inputs() == b.inputs() && x.body->inputs == y.body->inputs && x.length == y.length &&
         x.reverse == y.reverse && x.carries == y.carries &&
         std::equal(x.body->outputs.begin(), x.body->outputs.begin() + carries, y.body->outputs.begin());
}

Program merge(const Program& program, const std::vector<NodePtr>& scans) {
  struct Loop {
    NodePtr first;
    Values outputs = {};  // of the body, of all of them
    Values results = {};
  };
  std::vector<Loop> loops;
  std::unordered_map<const Node*, std::size_t> loop_of;
  for (const NodePtr& scan : scans) {
    auto loop = std::find_if(loops.begin(), loops.end(), [&](const Loop& l) { return same_loop(*l.first, *scan); });
    if (loop == loops.end()) loop = loops.insert(loops.end(), Loop{scan, scan->attrs_as<ScanAttrs>().body->outputs});
    const auto& attrs = scan->attrs_as<ScanAttrs>();
    for (auto output = attrs.body->outputs.begin() + attrs.carries; output != attrs.body->outputs.end(); ++output) {
      const Values collected(loop->outputs.begin() + attrs.carries, loop->outputs.end());
      if (!contains(collected, *output)) loop->outputs.push_back(*output);
    }
    loop_of.emplace(scan.get(), static_cast<std::size_t>(loop - loops.begin()));
  }
  if (loops.size() == scans.size()) return program;
  return rewrite(program, [&](const NodePtr& node, const Values& inputs) -> Values {
    const auto found = loop_of.find(node.get());
    if (found == loop_of.end()) return {};
    Loop& loop = loops[found->second];
    ScanAttrs attrs = node->attrs_as<ScanAttrs>();
    const Values wanted = attrs.body->outputs;
    if (loop.results.empty()) {
      attrs.body = std::make_shared<const ScanBody>(ScanBody{attrs.body->inputs, loop.outputs});
      loop.results = apply_scan(attrs, inputs);
    }
    Values results(loop.results.begin(), loop.results.begin() + attrs.carries);
    for (std::size_t i = results.size(); i < wanted.size(); ++i) {
      const auto at = std::find(loop.outputs.begin() + attrs.carries, loop.outputs.end(), wanted[i]);
      results.push_back(loop.results[static_cast<std::size_t>(at - loop.outputs.begin())]);
    }
    return results;
  });
}

// Without the results that `used` leaves out, without what only they need, and without what need not be collected.
Values prune(const Node& node, const Values& inputs, const std::vector<bool>& used) {
  const auto& attrs = node.attrs_as<ScanAttrs>();
  const ScanBody& body = *attrs.body;
  const auto carries = static_cast<std::size_t>(attrs.carries), sequences = static_cast<std::size_t>(attrs.sequences);
  Values places(used.size());  // nobody asks for the empty ones
  std::vector<bool> needed = used, input_needed(body.inputs.size());
  for (std::size_t i = carries; i < used.size(); ++i) {
    if (!needed[i]) continue;
    Value value = body.outputs[i];
    while (value.node()->is(kReshape)) value = value.node()->input(0);
    const auto input = std::find(body.inputs.begin(), body.inputs.end(), value);
    const auto at = static_cast<std::size_t>(input - body.inputs.begin());
    if (at >= sequences) continue;
    // A sequence's element, the mask say, is that sequence once collected.
    places[i] = ops::reshape(inputs[at], Shape{attrs.length}.concat(body.outputs[i].shape()));
    needed[i] = false;
  }
  // A carry is needed when its last value is used, or when what is needed depends on it.
  for (bool grows = true; grows;) {
    grows = false;
    Values roots;
    for (std::size_t i = 0; i < needed.size(); ++i) {
      if (needed[i]) roots.push_back(body.outputs[i]);
    }
    for (const NodePtr& reached : topological_order(roots)) {
      const auto input = std::find(body.inputs.begin(), body.inputs.end(), Value(reached, 0));
      if (input == body.inputs.end()) continue;
      const auto at = static_cast<std::size_t>(input - body.inputs.begin());
      input_needed[at] = true;
      if (at < sequences || at >= sequences + carries || needed[at - sequences]) continue;
      needed[at - sequences] = grows = true;
    }
  }
  for (std::size_t i = 0; i < carries; ++i) {
    if (needed[i]) input_needed[sequences + i] = true;
  }
  const auto all = [](const std::vector<bool>& flags) {
    return std::find(flags.begin(), flags.end(), false) == flags.end();
  };
  if (all(needed) && all(input_needed)) return {};
  ScanAttrs fewer = attrs;
  ScanBody smaller;
  Values arguments;
  fewer.sequences = fewer.carries = 0;
  for (std::size_t i = 0; i < input_needed.size(); ++i) {
    if (!input_needed[i]) continue;
    smaller.inputs.push_back(body.inputs[i]);
    arguments.push_back(inputs[i]);
    if (i < sequences) ++fewer.sequences;
    if (i >= sequences && i < sequences + carries) ++fewer.carries;
  }
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) smaller.outputs.push_back(body.outputs[i]);
  }
  if (smaller.outputs.empty()) return places;
  fewer.body = std::make_shared<const ScanBody>(std::move(smaller));
  const Values results = apply_scan(fewer, arguments);
  std::size_t next = 0;
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) places[i] = results[next++];
  }
  return places;
}

}  // namespace

Program tidy_scans(const Program& program) {
  if (scans_of(program).empty()) return program;
  // Scans of the same values: a layer and its gradient may each have composed these.
  const Program common = merge_common(program);
  const Program merged = merge(common, scans_of(common));
  std::map<const Node*, std::vector<bool>> used;
  const auto use = [&](const Value& value) {
    if (!is_open(*value.node())) return;
    std::vector<bool>& flags = used[value.node().get()];
    flags.resize(value.node()->outputs().size());
    flags[static_cast<std::size_t>(value.index())] = true;
  };
  for (const Value& output : merged.outputs) use(output);
  for (const NodePtr& node : topological_order(merged.roots())) {
    for (const Value& input : node->inputs()) use(input);
  }
  return rewrite(merged, [&](const NodePtr& node, const Values& inputs) -> Values {
    const auto found = used.find(node.get());
    if (found == used.end()) return {};
    return prune(*node, inputs, found->second);
  });
}

}  // namespace keratin
