// Forms fused ops where the backend has a kernel for them.
#include <span>
#include <unordered_map>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/conv.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/gather.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/pool.h"
#include "keratin/core/ops/shaping.h"

namespace keratin {
namespace {

class Fuser {
 public:
  Fuser(const Program& program, const Backend& backend) : backend_(backend) {
    for (const NodePtr& node : topological_order(program.roots())) {
      const std::span<const Value> inputs = node->inputs();
      // From taps, a maximum's gradient needs neither x nor y.
      for (const Value& input : finds_taps(*node) ? inputs.last(1) : inputs) ++uses_[input.node().get()];
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
      if (!result) result = normalized(*node, inputs, 0);
      if (!result) result = normalized(*node, inputs, 1);
      if (!result) result = with_sum(*node, inputs, 0);
      if (!result) result = with_sum(*node, inputs, 1);
    } else if (node->is(kMultiply)) {
      result = with_scale(*node, inputs, 0, inputs[1]);
      if (!result) result = with_scale(*node, inputs, 1, inputs[0]);
    } else if (node->is(kRelu)) {
      result = with_relu(*node, inputs);
    } else if (node->is(kMaxPool2D)) {
      result = pooled(*node, inputs);
    } else if (node->is(kMaxPool2DGrad)) {
      const auto found = taps_.find(node->input(1).node().get());
      if (found != taps_.end() && found->second) result = from_taps(*node, found->second, inputs[2]);
    } else if (node->is(kConv2DKernelGrad)) {
      result = with_spread(*node, inputs);
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

  // The op's outputs; empty when the backend has no kernel for it.
  Values make_all(const OpDef& op, std::any attrs, Values inputs) const {
    std::vector<SpecView> input_specs, output_specs;
    for (const Value& input : inputs) input_specs.push_back({input.shape(), input.dtype()});
    Values results = apply(op, attrs, inputs);
    for (const Value& result : results) output_specs.push_back({result.shape(), result.dtype()});
    return backend_.supports(op.name, attrs, input_specs, output_specs) ? results : Values{};
  }
  Value make(const OpDef& op, std::any attrs, Values inputs) const {
    const Values results = make_all(op, std::move(attrs), std::move(inputs));
    return results.empty() ? Value() : results[0];
  }

  // The gradient of a maximum, from which tap of its window it was.
  Value from_taps(const Node& gradient, const Value& taps, const Value& dy) const {
    return make(kMaxPool2DIndexGrad,
                MaxPool2DIndexGradAttrs{gradient.attrs_as<Pool2DAttrs>(), gradient.outputs()[0].shape}, {taps, dy});
  }

  // Whether `node` is the gradient of a maximum and can be computed from taps; if so, the maximum will find them.
  bool finds_taps(const Node& node) {
    if (!node.is(kMaxPool2DGrad)) return false;
    const Node& maximum = *node.input(1).node();
    const auto& attrs = node.attrs_as<Pool2DAttrs>();
    if (!maximum.is(kMaxPool2D) || maximum.input(0) != node.input(0) || attrs.window[0] * attrs.window[1] > 255 ||
        node.op().describe(maximum.attrs()) != node.op().describe(node.attrs())) {
      return false;
    }
    const Values both = make_all(kMaxPool2DIndex, attrs, {node.input(0)});
    if (both.empty() || !from_taps(node, both[1], node.input(2))) return false;
    taps_.emplace(&maximum, Value());
    return true;
  }

  // A maximum that finds taps, or is taken of a convolution that nobody else needs, or both.
  Value pooled(const Node& node, const Values& inputs) {
    const auto& attrs = node.attrs_as<Pool2DAttrs>();
    const auto taps = taps_.find(&node);
    const Node& conv = *inputs[0].node();
    Values results;
    if (conv.is(kConv2DFused) && sole_use(node, inputs, 0)) {
      results = make_all(kConv2DPool, Conv2DPoolAttrs{conv.attrs_as<Conv2DFusedAttrs>(), attrs, taps != taps_.end()},
                         conv.inputs());
    }
    if (results.empty() && taps != taps_.end()) results = make_all(kMaxPool2DIndex, attrs, {inputs[0]});
    if (results.size() == 2) taps->second = results[1];
    return results.empty() ? Value() : results[0];
  }

  // The gradient of a kernel from that of a maximum, which nobody else needs spread to its taps.
  Value with_spread(const Node& node, const Values& inputs) const {
    const Node& spread = *inputs[1].node();
    if (!spread.is(kMaxPool2DIndexGrad) || !sole_use(node, inputs, 1)) return {};
    return make(kConv2DPoolKernelGrad,
                Conv2DPoolKernelGradAttrs{node.attrs_as<Conv2DKernelGradAttrs>(),
                                          spread.attrs_as<MaxPool2DIndexGradAttrs>().pool},
                {inputs[0], spread.input(0), spread.input(1)});
  }

  // Whether what input `i` of `node` is made of is used for nothing else.
  bool inner_is_sole(const Node& node, int i) const {
    const auto found = uses_.find(node.input(i).node()->input(0).node().get());
    return found != uses_.end() && found->second == 1;
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
    // As many rows seen in another shape, as layers that are applied to each step of a sequence make them.
    if (p.is(kReshape) && p.input(0).node()->is(kMatMul) && p.input(0).rank() == 2 &&
        p.input(0).shape()[-1] == bias.shape()[0] && inner_is_sole(node, product_index)) {
      const Node& m = *p.input(0).node();
      const auto& a = m.attrs_as<MatMulAttrs>();
      const Value fused =
          make(kMatMulFused, MatMulFusedAttrs{a.transpose_a, a.transpose_b, true, FusedActivation::none},
               {m.input(0), m.input(1), bias});
      return fused ? apply1(kReshape, p.attrs(), {fused}) : Value();
    }
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

  // convolution*scale + shift, both vectors as long as the last axis: batch normalisation with moving averages.
  Value normalized(const Node& node, const Values& inputs, int product_index) const {
    const Value& product = inputs[static_cast<std::size_t>(product_index)];
    const Value& shift = inputs[static_cast<std::size_t>(1 - product_index)];
    const Node& p = *product.node();
    if (!p.is(kMultiply) || !sole_use(node, inputs, product_index)) return {};
    // The nodes before this one are as they were but for what they are made of.
    const Node& before = *node.input(product_index).node();
    for (const int side : {0, 1}) {
      const Value &y = p.input(side), &scale = p.input(1 - side);
      const bool plain = y.node()->is(kConv2D);
      if (!plain && !y.node()->is(kConv2DFused)) continue;
      const Shape feature{y.shape()[-1]};
      if (y.shape() != product.shape() || scale.shape() != feature || shift.shape() != feature ||
          !sole_use(before, p.inputs(), side)) {
        continue;
      }
      Values operands = {y.node()->input(0), y.node()->input(1), scale, shift};
      if (plain) return make(kConv2DNormalized, Conv2DNormalizedAttrs{y.node()->attrs_as<Conv2DAttrs>()}, operands);
      const auto& a = y.node()->attrs_as<Conv2DFusedAttrs>();
      if (a.activation != FusedActivation::none) continue;
      if (a.bias) operands.push_back(y.node()->input(2));
      return make(kConv2DNormalized, Conv2DNormalizedAttrs{a.conv, a.bias}, operands);
    }
    return {};
  }

  // A normalised convolution + anything of the same shape.
  Value with_sum(const Node& node, const Values& inputs, int conv_index) const {
    const Value& y = inputs[static_cast<std::size_t>(conv_index)];
    const Value& more = inputs[static_cast<std::size_t>(1 - conv_index)];
    if (!y.node()->is(kConv2DNormalized) || more.spec() != y.spec() || !sole_use(node, inputs, conv_index)) return {};
    auto attrs = y.node()->attrs_as<Conv2DNormalizedAttrs>();
    if (attrs.more || attrs.activation != FusedActivation::none) return {};
    attrs.more = true;
    Values operands = y.node()->inputs();
    operands.push_back(more);
    return make(kConv2DNormalized, attrs, operands);
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
    if (p.is(kConv2DNormalized)) {
      auto attrs = p.attrs_as<Conv2DNormalizedAttrs>();
      if (attrs.activation != FusedActivation::none) return {};
      attrs.activation = FusedActivation::relu;
      return make(kConv2DNormalized, attrs, p.inputs());
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
  std::unordered_map<const Node*, Value> taps_;      // of maxima whose gradient asks for them, once they are made
};

}  // namespace

Program fuse(const Program& program, const Backend& backend) { return rewrite(program, Fuser(program, backend)); }

}  // namespace keratin
