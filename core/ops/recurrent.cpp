#include "keratin/core/ops/recurrent.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/pull_back.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;

std::string describe(const std::any& attrs) {
  const auto& a = as<RecurrentAttrs>(attrs);
  std::string text = a.kind == RecurrentKind::lstm ? "lstm" : "gru";
  if (a.reverse) text += " backwards";
  constexpr const char* kResults[] = {" dy", " dh", " dc"};
  for (std::size_t i = 0; i < a.given.size(); ++i) text += a.given[i] ? kResults[i] : "";
  return text;
}

void expect_shape(const Spec& spec, const Shape& shape, const char* what) {
  if (spec.shape == shape) return;
  throw InvalidArgument(std::string(what) + " must have shape " + shape.to_string() + ", got " +
                        spec.shape.to_string());
}

std::vector<Spec> infer(const std::any& attrs, std::span<const Spec> inputs) {
  const RecurrentKind kind = as<RecurrentAttrs>(attrs).kind;
  const std::size_t states = states_of(kind), least = 3 + states;
  if (inputs.size() != least && inputs.size() != least + 1) expect_inputs(inputs, least);
  for (const Spec& input : inputs) {
    expect_floating(input);
    expect_same_dtype(inputs[0], input);
  }
  expect_rank(inputs[0], 3, "x");
  expect_rank(inputs[1], 2, "h");
  const Shape &x = inputs[0].shape, state = {x[1], inputs[1].shape[1]};
  const std::int64_t units = state[1], width = gates_of(kind) * units;
  for (std::size_t i = 1; i <= states; ++i) expect_shape(inputs[i], state, "a state");
  expect_shape(inputs[states + 1], {x[2], width}, "the kernel");
  expect_shape(inputs[states + 2], {units, width}, "the recurrent kernel");
  if (inputs.size() > least) {
    expect_shape(inputs[least], kind == RecurrentKind::lstm ? Shape{width} : Shape{2, width}, "the bias");
  }
  std::vector<Spec> results = {{Shape{x[0], x[1], units}, inputs[0].dtype}};
  results.insert(results.end(), states, Spec{state, inputs[0].dtype});
  return results;
}

std::vector<Spec> infer_grad(const std::any& attrs, std::span<const Spec> inputs) {
  const auto& a = as<RecurrentAttrs>(attrs);
  std::size_t gradients = 0;
  for (const bool given : a.given) gradients += given;
  if (inputs.size() < gradients) expect_inputs(inputs, gradients);
  const std::span<const Spec> forward = inputs.first(inputs.size() - gradients);
  const std::vector<Spec> results = infer(attrs, forward);
  std::size_t next = forward.size();
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (a.given[i]) expect_shape(inputs[next++], results[i].shape, "the gradient of a result");
  }
  return {forward.begin(), forward.end()};
}

Values decompose(const Node& node, std::span<const Value> inputs) {
  const ScanBody& definition = *node.attrs_as<RecurrentAttrs>().definition;
  return substitute(definition.outputs, definition.inputs, inputs);
}

Value stand_in(const Value& value) { return apply1(kScanInput, ScanInputAttrs{"x", value.spec()}, {}); }

// The gradient of a definition, by its inputs and those gradients of its results that are there.
ScanBody pulled_back(const ScanBody& definition, std::span<const Value> dy) {
  ScanBody result{.inputs = definition.inputs};
  Values seeds(dy.size());
  for (std::size_t i = 0; i < dy.size(); ++i) {
    if (!dy[i]) continue;
    seeds[i] = stand_in(dy[i]);
    result.inputs.push_back(seeds[i]);
  }
  result.outputs = pull_back(definition.outputs, seeds, definition.inputs);
  for (std::size_t i = 0; i < result.outputs.size(); ++i) {
    if (!result.outputs[i]) result.outputs[i] = ops::zeros_like(definition.inputs[i]);
  }
  return result;
}

Values with(const Values& inputs, std::span<const Value> dy) {
  Values all = inputs;
  for (const Value& d : dy) {
    if (d) all.push_back(d);
  }
  return all;
}

Values gradient(const Node& node, std::span<const Value> dy) {
  RecurrentAttrs attrs = node.attrs_as<RecurrentAttrs>();
  attrs.definition = std::make_shared<const ScanBody>(pulled_back(*attrs.definition, dy));
  for (std::size_t i = 0; i < dy.size(); ++i) attrs.given[i] = static_cast<bool>(dy[i]);
  return apply(kRecurrentGrad, std::move(attrs), with(node.inputs(), dy));
}

// By the definition: nobody has a kernel for it.
Values second_gradient(const Node& node, std::span<const Value> dy) {
  const ScanBody definition = pulled_back(*node.attrs_as<RecurrentAttrs>().definition, dy);
  return substitute(definition.outputs, definition.inputs, with(node.inputs(), dy));
}

}  // namespace

constinit const OpDef kRecurrent = {
    .name = "recurrent", .describe = describe, .infer = infer, .gradient = gradient, .decompose = decompose};
constinit const OpDef kRecurrentGrad = {.name = "recurrent_grad",
                                        .describe = describe,
                                        .infer = infer_grad,
                                        .gradient = second_gradient,
                                        .decompose = decompose};

Values ops::recurrent(RecurrentKind kind, bool reverse, const Values& inputs, const Values& results) {
  ScanBody definition;
  for (const Value& input : inputs) definition.inputs.push_back(stand_in(input));
  definition.outputs = substitute(results, inputs, definition.inputs);
  for (const NodePtr& node : topological_order(definition.outputs)) {
    if (node->is(kRead) || node->is(kInput)) {
      throw InvalidArgument("recurrent: the results must be composed of the inputs alone, and they need " +
                            std::string(node->op().name) + " " + node->op().describe(node->attrs()));
    }
  }
  return apply(kRecurrent, RecurrentAttrs{kind, reverse, std::make_shared<const ScanBody>(std::move(definition))},
               inputs);
}

}  // namespace keratin
