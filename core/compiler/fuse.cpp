// Forms fused ops where the backend has a kernel for them.
#include <unordered_map>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/conv.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/gather.h"
#include "keratin/core/ops/matmul.h"

namespace keratin {
namespace {

class Fuser {
 public:
  Fuser(const Program& program, const Backend& backend) : backend_(backend) {
    for (const NodePtr& node : topological_order(program.roots())) {
      for (const Value& input : node->inputs()) ++uses_[input.node().get()];
    }
    for (const Value& output : program.outputs) ++uses_[output.node().get()];
  }

  Values operator()(const NodePtr& node, const Values& inputs) {
    Value result;
    if (node->is(kAdd)) {
      result = with_bias(*node, inputs, 0);
      if (!result) result = with_bias(*node, inputs, 1);
      if (!result) result = with_scale(*node, inputs, 0, inputs[1]);
      if (!result) result = with_scale(*node, inputs, 1, inputs[0]);
    } else if (node->is(kMultiply)) {
      result = with_scale(*node, inputs, 0, inputs[1]);
      if (!result) result = with_scale(*node, inputs, 1, inputs[0]);
    } else if (node->is(kRelu)) {
      result = with_relu(*node, inputs);
    }
    if (result) fused_uses_[result.node().get()] = uses_[node.get()];
    return result ? Values{result} : Values{};
  }

 private:
  // Whether input `i` of `node` is used by nobody else.
  bool sole_use(const Node& node, const Values& inputs, int i) const {
    const Node* before = node.input(i).node().get();
    const Node* now = inputs[static_cast<std::size_t>(i)].node().get();
    if (auto found = fused_uses_.find(now); found != fused_uses_.end()) return found->second == 1;
    auto found = uses_.find(before);
    return found != uses_.end() && found->second == 1;
  }

  Value make(const OpDef& op, std::any attrs, Values inputs) const {
    std::vector<SpecView> input_specs, output_specs;
    for (const Value& input : inputs) input_specs.push_back({input.shape(), input.dtype()});
    Value result = apply1(op, attrs, std::move(inputs));
    output_specs.push_back({result.shape(), result.dtype()});
    return backend_.supports(op.name, attrs, input_specs, output_specs) ? result : Value();
  }

  // product + bias, with the bias a vector as long as the last axis.
  Value with_bias(const Node& node, const Values& inputs, int product_index) const {
    const Value& product = inputs[static_cast<std::size_t>(product_index)];
    const Value& bias = inputs[static_cast<std::size_t>(1 - product_index)];
    if (!sole_use(node, inputs, product_index) || bias.rank() != 1 || product.shape() != node.outputs()[0].shape ||
        bias.shape()[0] != product.shape()[-1]) {
      return {};
    }
    const Node& p = *product.node();
    if (p.is(kMatMul) && product.rank() == 2) {
      const auto& a = p.attrs_as<MatMulAttrs>();
      return make(kMatMulFused, MatMulFusedAttrs{a.transpose_a, a.transpose_b, true, FusedActivation::none},
                  {p.input(0), p.input(1), bias});
    }
    if (p.is(kConv2D)) {
      return make(kConv2DFused, Conv2DFusedAttrs{p.attrs_as<Conv2DAttrs>(), true, FusedActivation::none},
                  {p.input(0), p.input(1), bias});
    }
    return {};
  }

  Value with_relu(const Node& node, const Values& inputs) const {
    if (!sole_use(node, inputs, 0)) return {};
    const Node& p = *inputs[0].node();
    if (p.is(kMatMulFused)) {
      auto attrs = p.attrs_as<MatMulFusedAttrs>();
      if (attrs.activation != FusedActivation::none) return {};
      attrs.activation = FusedActivation::relu;
      return make(kMatMulFused, attrs, p.inputs());
    }
    if (p.is(kConv2DFused)) {
      auto attrs = p.attrs_as<Conv2DFusedAttrs>();
      if (attrs.activation != FusedActivation::none) return {};
      attrs.activation = FusedActivation::relu;
      return make(kConv2DFused, attrs, p.inputs());
    }
    return {};
  }

  // A batch gather multiplied by, or added to, a number: Rescaling in front of a model.
  Value with_scale(const Node& node, const Values& inputs, int gather_index, const Value& number) const {
    const Node& gather = *inputs[static_cast<std::size_t>(gather_index)].node();
    if (!gather.is(kBatchGather) || !number.node()->is(kConstant) || number.shape().size() != 1 || number.rank() > 1 ||
        !sole_use(node, inputs, gather_index)) {
      return {};
    }
    auto attrs = gather.attrs_as<BatchGatherAttrs>();
    const auto& c = number.node()->attrs_as<ConstantAttrs>();
    const double factor = c.weak ? c.number : c.value.item();
    // (x*scale + offset) * f = x*(scale*f) + offset*f;   (x*scale + offset) + f = x*scale + (offset+f)
    attrs.scale *= node.is(kMultiply) ? factor : 1;
    attrs.offset = node.is(kMultiply) ? attrs.offset * factor : attrs.offset + factor;
    if (!is_floating(attrs.to)) return {};
    return make(kBatchGather, attrs, gather.inputs());
  }

  const Backend& backend_;
  std::unordered_map<const Node*, int> uses_;        // of nodes before the rewriting
  std::unordered_map<const Node*, int> fused_uses_;  // of the fused nodes made so far
};

}  // namespace

Program fuse(const Program& program, const Backend& backend) { return rewrite(program, Fuser(program, backend)); }

}  // namespace keratin
