// The graph of a model: its layers in Keras's order, and its replay as a layer.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "keratin/core/compiler/trace.h"
#include "keratin/core/model/input_layer.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/detail/model_impl.h"
#include "keratin/core/training/detail/trainer.h"

namespace keratin {
namespace {

// Keras's order (ops/function.py map_graph): layers by distance from the outputs, farthest first; among equals in the
// order a walk from the outputs meets them. Files number layers in this order.
class LayerOrder {
 public:
  LayerOrder(const Values& inputs, const Values& outputs) {
    for (const Value& input : inputs) allowed_.insert(input.node().get());
    for (const Value& output : outputs) visit(output.node());
    // Users before inputs: a node's depth is one more than its farthest user's, and at least that of the calls of the
    // same layer that came before.
    std::unordered_map<const Node*, int> depths;
    for (auto node = finished_.rbegin(); node != finished_.rend(); ++node) {
      int& of_layer = layer_depth_[identity(**node)];
      const int depth = of_layer = std::max(of_layer, depths[node->get()]);
      for (const Value& input : (*node)->inputs()) {
        int& d = depths[input.node().get()];
        d = std::max(d, depth + 1);
      }
    }
    // Inputs that no output depends on come first among the last.
    for (auto input = inputs.rbegin(); input != inputs.rend(); ++input) {
      if (layer_depth_.emplace(identity(*input->node()), 0).second) met_.insert(met_.begin(), input->node());
    }
  }

  // The first call met of each layer, in the order of the layers.
  std::vector<NodePtr> nodes() const {
    std::vector<NodePtr> nodes;
    std::unordered_set<const void*> seen;
    for (const NodePtr& node : met_) {
      if (seen.insert(identity(*node)).second) nodes.push_back(node);
    }
    std::stable_sort(nodes.begin(), nodes.end(), [this](const NodePtr& a, const NodePtr& b) {
      return layer_depth_.at(identity(*a)) > layer_depth_.at(identity(*b));
    });
    return nodes;
  }

 private:
  // The layer that is called; an input or op stands for itself.
  static const void* identity(const Node& node) {
    return node.is_op() ? static_cast<const void*>(&node) : static_cast<const void*>(node.layer().get());
  }

  // Iterative, because models may be thousands of layers deep.
  void visit(const NodePtr& root) {
    std::vector<std::pair<NodePtr, std::size_t>> stack;
    auto enter = [&](const NodePtr& node) {
      if (!seen_.insert(node.get()).second) return;
      if (node->is_op() && node->is(kInput) && !allowed_.contains(node.get())) {
        throw InvalidArgument("an output depends on Input '" + node->attrs_as<InputAttrs>().name +
                              "', which is not among the model's inputs");
      }
      met_.push_back(node);
      stack.emplace_back(node, 0);
    };
    enter(root);
    while (!stack.empty()) {
      auto& [node, done] = stack.back();
      if (done == node->inputs().size() || allowed_.contains(node.get())) {
        finished_.push_back(node);
        stack.pop_back();
      } else {
        const NodePtr input = node->inputs()[done++].node();
        enter(input);
      }
    }
  }

  std::unordered_set<const Node*> allowed_, seen_;
  std::vector<NodePtr> met_, finished_;
  std::unordered_map<const void*, int> layer_depth_;
};

}  // namespace

ModelImpl::ModelImpl(std::string class_name, std::string name, bool trainable)
    : LayerImpl(std::move(class_name), std::move(name), trainable) {}
ModelImpl::~ModelImpl() = default;

void ModelImpl::set_graph(Values inputs, Values outputs) {
  for (const Value& input : inputs) {
    if (!input || !input.node()->is_op() || !input.node()->is(kInput)) {
      throw InvalidArgument(name() + " (Model): every input must be the value of an Input");
    }
  }
  if (inputs.empty() || outputs.empty())
    throw InvalidArgument(name() + " (Model): inputs and outputs must not be empty");
  for (const Value& output : outputs) {
    if (!output) throw InvalidArgument(name() + " (Model): an output is an empty Value");
  }
  std::vector<Layer> layers;
  for (const NodePtr& node : LayerOrder(inputs, outputs).nodes()) {
    Layer layer;
    if (!node->is_op()) {
      layer = Layer(std::dynamic_pointer_cast<LayerImpl>(node->layer()));
    } else if (node->is(kInput)) {
      layer = Layer(std::make_shared<InputLayerImpl>(node->output()));
    }
    if (layer) layers.push_back(layer);
  }
  inputs_ = std::move(inputs);
  outputs_ = std::move(outputs);
  set_layers(std::move(layers));
}

void ModelImpl::set_layers(std::vector<Layer> layers) {
  std::unordered_set<std::string> names;
  for (const Layer& layer : layers) {
    if (!names.insert(layer.name()).second) {
      throw InvalidArgument(name() + " (" + class_name() + "): two layers are called '" + layer.name() +
                            "'; names must be unique");
    }
  }
  layers_ = std::move(layers);
  clear_children();
  for (const Layer& layer : layers_) add_child(layer.name(), layer);
}

std::vector<std::string> ModelImpl::output_names() const {
  std::vector<std::string> names;
  for (const Value& output : outputs_) {
    const Node& node = *output.node();
    std::string name = node.is_op() ? std::string(node.op().name) : node.layer()->name();
    if (node.outputs().size() > 1) name += "_" + std::to_string(output.index());
    while (std::find(names.begin(), names.end(), name) != names.end()) name += "_1";
    names.push_back(std::move(name));
  }
  return names;
}

int ModelImpl::input_count() const { return has_graph() ? static_cast<int>(inputs_.size()) : 1; }

void ModelImpl::check_inputs(std::span<const Shape> shapes) const {
  for (std::size_t i = 0; i < inputs_.size() && i < shapes.size(); ++i) {
    const Shape& expected = inputs_[i].shape();
    bool fits = expected.rank() == shapes[i].rank();
    for (int axis = 0; fits && axis < expected.rank(); ++axis) {
      fits = expected[axis] == kUnknown || shapes[i][axis] == kUnknown || expected[axis] == shapes[i][axis];
    }
    if (!fits) {
      throw InvalidArgument("input " + std::to_string(i) + ": expected shape " + expected.to_string() + ", got " +
                            shapes[i].to_string());
    }
  }
}

Values ModelImpl::call(std::span<const Value> inputs, CallContext& context) {
  return context.trace().replay(inputs_, inputs, outputs_);
}

Trainer& ModelImpl::trainer() {
  if (!trainer_) trainer_ = std::make_unique<Trainer>(*this);
  return *trainer_;
}

}  // namespace keratin
