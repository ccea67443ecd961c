#include "keratin/core/ops/scan.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/scan_gradient.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;

std::string describe(const std::any& attrs) {
  const auto& a = as<ScanAttrs>(attrs);
  return std::to_string(a.length) + " steps" + (a.reverse ? " backwards" : "") + ", " + std::to_string(a.sequences) +
         " sequences, " + std::to_string(a.carries) + " carries, body " + body_text(*a.body);
}

Shape collected(std::int64_t length, const Shape& step) { return Shape{length}.concat(step); }

std::vector<Spec> infer(const std::any& attrs, std::span<const Spec> inputs) {
  const auto& a = as<ScanAttrs>(attrs);
  if (a.length < 1) throw InvalidArgument("the sequences must have at least one element");
  expect_inputs(inputs, a.body->inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Spec expected = a.body->inputs[i].spec();
    const bool sequence = static_cast<int>(i) < a.sequences;
    if (sequence) expected.shape = collected(a.length, expected.shape);
    if (inputs[i] != expected) {
      throw InvalidArgument("input " + std::to_string(i) + " must be " + expected.to_string() + ", got " +
                            inputs[i].to_string());
    }
  }
  std::vector<Spec> results;
  for (const Value& output : a.body->outputs) {
    Spec spec = output.spec();
    if (static_cast<int>(results.size()) >= a.carries) spec.shape = collected(a.length, spec.shape);
    results.push_back(std::move(spec));
  }
  return results;
}

// Element t of a sequence.
Value element(const Value& sequence, std::int64_t t) {
  std::vector<std::int64_t> begin(static_cast<std::size_t>(sequence.rank()), 0), size(begin.size(), -1);
  begin[0] = t;
  size[0] = 1;
  return ops::reshape(ops::slice(sequence, begin, size), sequence.shape().slice(1, sequence.rank()));
}

Values decompose(const Node& node, std::span<const Value> inputs) {
  const auto& a = node.attrs_as<ScanAttrs>();
  const auto carries = static_cast<std::size_t>(a.carries), sequences = static_cast<std::size_t>(a.sequences);
  Values now(inputs.begin(), inputs.end()), step;
  std::vector<Values> outputs(a.body->outputs.size() - carries, Values(static_cast<std::size_t>(a.length)));
  for (std::int64_t s = 0; s < a.length; ++s) {
    const std::int64_t t = a.reverse ? a.length - 1 - s : s;
    for (std::size_t i = 0; i < sequences; ++i) now[i] = element(inputs[i], t);
    step = substitute(a.body->outputs, a.body->inputs, now);
    std::copy_n(step.begin(), carries, now.begin() + a.sequences);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      outputs[i][static_cast<std::size_t>(t)] = ops::expand_dims(step[carries + i], 0);
    }
  }
  Values results(step.begin(), step.begin() + a.carries);
  for (const Values& output : outputs) results.push_back(output.size() == 1 ? output[0] : ops::concatenate(output, 0));
  return results;
}

Value scan_input(const std::string& name, const Spec& spec) {
  expect_known(spec.shape, "what is scanned");
  return apply1(kScanInput, ScanInputAttrs{name, spec}, {});
}

bool is_number(const Node& node) { return node.is(kConstant) && node.attrs_as<ConstantAttrs>().value.size() == 1; }

// The mask of a step in a shape that broadcasts to a value of n rows.
Value rows_like(const Value& mask, const Value& value) {
  if (value.rank() == 0 || value.shape()[0] != mask.shape()[0]) {
    throw InvalidArgument("scan: the mask is for " + std::to_string(mask.shape()[0]) +
                          " rows, a carry or output has shape " + value.shape().to_string());
  }
  const auto more = static_cast<std::size_t>(value.rank() - 1);
  return ops::reshape(mask, mask.shape().concat(Shape(std::vector<std::int64_t>(more, 1))));
}

}  // namespace

constinit const OpDef kScanInput = {.name = "scan_input",
                                    .describe =
                                        [](const std::any& attrs) {
                                          const auto& a = as<ScanInputAttrs>(attrs);
                                          return a.name + " " + a.spec.to_string();
                                        },
                                    .infer = [](const std::any& attrs, std::span<const Spec>) -> std::vector<Spec> {
                                      return {as<ScanInputAttrs>(attrs).spec};
                                    },
                                    .effect = Effect::random};  // every one is another: never merged

constinit const OpDef kScan = {
    .name = "scan", .describe = describe, .infer = infer, .gradient = scan_gradient, .decompose = decompose};

std::string body_text(const ScanBody& body) {
  std::unordered_map<const Node*, std::size_t> numbers;
  std::string text;
  const auto name = [&](const Value& value) {
    std::string result = "%" + std::to_string(numbers.at(value.node().get()));
    if (value.index() > 0) result += "." + std::to_string(value.index());
    return result;
  };
  for (const Value& input : body.inputs) {
    numbers.emplace(input.node().get(), numbers.size());
    text += (text.empty() ? "" : ", ") + name(input) + " " + input.spec().to_string();
  }
  text += ": ";
  for (const NodePtr& node : topological_order(body.outputs)) {
    if (!numbers.emplace(node.get(), numbers.size()).second) continue;
    const std::string attrs = node->op().describe ? node->op().describe(node->attrs()) : "";
    text +=
        name(node->output()) + " = " + std::string(node->op().name) + (attrs.empty() ? "" : "{" + attrs + "}") + "(";
    for (std::size_t i = 0; i < node->inputs().size(); ++i) text += (i ? ", " : "") + name(node->inputs()[i]);
    text += "); ";
  }
  text += "->";
  for (const Value& output : body.outputs) text += " " + name(output);
  return text;
}

Values apply_scan(ScanAttrs attrs, Values inputs) { return apply(kScan, std::move(attrs), std::move(inputs)); }

std::shared_ptr<const ScanBody> make_scan_body(Values inputs, const Values& outputs, Values& invariants) {
  std::unordered_set<const Node*> inside;
  for (const Value& input : inputs) inside.insert(input.node().get());
  const std::vector<NodePtr> order = topological_order(outputs);
  for (const NodePtr& node : order) {
    if (std::any_of(node->inputs().begin(), node->inputs().end(),
                    [&](const Value& input) { return inside.contains(input.node().get()); })) {
      inside.insert(node.get());
    }
  }
  Values outside, stand_ins;
  const auto take = [&](const Value& value) {
    if (inside.contains(value.node().get()) || std::find(outside.begin(), outside.end(), value) != outside.end())
      return;
    if (value.node()->is_op() && is_number(*value.node())) return;
    outside.push_back(value);
    stand_ins.push_back(scan_input("w" + std::to_string(outside.size()), value.spec()));
  };
  for (const Value& output : outputs) take(output);
  for (const NodePtr& node : order) {
    if (!inside.contains(node.get())) continue;
    if (!node->is_op()) {
      throw InvalidArgument("scan: a step may call layers only inside of a layer, and it calls '" +
                            node->layer()->name() + "'");
    }
    if (node->op().effect != Effect::pure && !node->is(kScanInput)) {
      throw InvalidArgument("scan: a step must not use '" + std::string(node->op().name) +
                            "' on what changes from step to step; draw random numbers before the scan");
    }
    for (const Value& input : node->inputs()) take(input);
  }
  auto body = std::make_shared<ScanBody>();
  body->outputs = substitute(outputs, outside, stand_ins);
  body->inputs = std::move(inputs);
  body->inputs.insert(body->inputs.end(), stand_ins.begin(), stand_ins.end());
  invariants.insert(invariants.end(), outside.begin(), outside.end());
  return body;
}

ops::ScanResult ops::scan(const ScanFunction& step, Values sequences, Values carries, const ScanOptions& options) {
  if (sequences.empty()) throw InvalidArgument("scan: there must be at least one sequence");
  ScanAttrs attrs{.reverse = options.reverse};
  if (options.mask) sequences.push_back(options.mask);
  for (const Value& sequence : sequences) {
    if (sequence.rank() == 0) throw InvalidArgument("scan: a sequence must have a first axis, got a scalar");
    attrs.length = sequences[0].shape()[0];
    if (sequence.shape()[0] != attrs.length) {
      throw InvalidArgument("scan: the sequences must have one length, got shapes " + sequences[0].shape().to_string() +
                            " and " + sequence.shape().to_string());
    }
  }
  Values x, old, inputs;
  for (const Value& sequence : sequences) {
    const Spec spec{sequence.shape().slice(1, sequence.rank()), sequence.dtype()};
    inputs.push_back(scan_input("x" + std::to_string(x.size()), spec));
    x.push_back(inputs.back());
  }
  for (const Value& carry : carries) {
    old.push_back(scan_input("c" + std::to_string(old.size()), carry.spec()));
    inputs.push_back(old.back());
  }
  Value mask;
  if (options.mask) {
    mask = x.back();
    x.pop_back();
    if (mask.rank() != 1 || mask.dtype() != DType::boolean) {
      throw InvalidArgument("scan: the mask must be bool of shape (length, n), got " + options.mask.spec().to_string());
    }
  }
  ScanStep result = step(x, old);
  if (result.carries.size() != carries.size()) {
    throw InvalidArgument("scan: a step must return as many carries as it gets, " + std::to_string(carries.size()) +
                          ", got " + std::to_string(result.carries.size()));
  }
  for (std::size_t i = 0; i < carries.size(); ++i) {
    if (result.carries[i].spec() == carries[i].spec()) continue;
    throw InvalidArgument("scan: carry " + std::to_string(i) + " is " + carries[i].spec().to_string() +
                          ", a step makes " + result.carries[i].spec().to_string() + " of it");
  }
  const std::size_t own_carries = carries.size();
  if (mask) {
    Values kept, shown;
    for (std::size_t i = 0; i < own_carries; ++i) {
      kept.push_back(where(rows_like(mask, old[i]), result.carries[i], old[i]));
    }
    Values before;  // outputs of the step before
    for (const Value& output : result.outputs) {
      const auto same = std::find(result.carries.begin(), result.carries.end(), output);
      if (options.zero_masked_outputs) {
        shown.push_back(where(rows_like(mask, output), output, scalar(0, output.dtype())));
      } else if (same != result.carries.end()) {
        shown.push_back(kept[static_cast<std::size_t>(same - result.carries.begin())]);
      } else {
        before.push_back(scan_input("y" + std::to_string(before.size()), output.spec()));
        inputs.push_back(before.back());
        carries.push_back(zeros_like(output));
        shown.push_back(where(rows_like(mask, output), output, before.back()));
        kept.push_back(shown.back());
      }
    }
    result = {std::move(kept), std::move(shown)};
  }
  Values outputs = result.carries;
  outputs.insert(outputs.end(), result.outputs.begin(), result.outputs.end());
  attrs.sequences = static_cast<int>(sequences.size());
  attrs.carries = static_cast<int>(carries.size());
  Values arguments = std::move(sequences), invariants;
  arguments.insert(arguments.end(), carries.begin(), carries.end());
  attrs.body = make_scan_body(std::move(inputs), outputs, invariants);
  arguments.insert(arguments.end(), invariants.begin(), invariants.end());
  const Values all = apply_scan(attrs, std::move(arguments));
  const auto first_output = all.begin() + attrs.carries;
  return {Values(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(own_carries)), Values(first_output, all.end())};
}

}  // namespace keratin
