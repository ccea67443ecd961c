// Layer: a handle to a layer. Copies mean the same layer, with the same weights. LayerImpl: what layers derive from.
#pragma once

#include <any>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "keratin/core/graph/node.h"
#include "keratin/core/model/config.h"
#include "keratin/core/model/variable.h"

namespace keratin {

class ConfigReader;
class TraceContext;
class LayerImpl;
class Layer;
struct NamedLayer;

// For one call of a layer.
struct CallOptions {
  // Overrides whether the layer behaves as in training (dropout on, batch statistics); by default fit trains, the rest
  // does not.
  std::optional<bool> training = {};
  // For attention layers: no position looks at later ones.
  bool use_causal_mask = false;
  // For attention layers: the weights are the second output.
  bool return_attention_scores = false;
  // Masks of the inputs, bool, in place of those that come with them; an empty one leaves its input's: {.mask = {m}}.
  Values mask = {};
  // For ReversibleEmbedding: from vectors to a number for each row of its table.
  bool reverse = false;
};

// What a layer may ask for while it composes its outputs.
class CallContext {
 public:
  explicit CallContext(TraceContext& trace, Values masks = {}, const CallOptions& options = {});
  bool training() const;
  const CallOptions& options() const { return options_; }
  // The mask of an input: bool over its first axes, (n, time) for sequences, false where there is no data to look at.
  // Empty when the input has none.
  Value mask(int input = 0) const {
    return static_cast<std::size_t>(input) < masks_.size() ? masks_[static_cast<std::size_t>(input)] : Value();
  }
  const Values& masks() const { return masks_; }
  // The mask of an output, in place of the one that LayerImpl::supports_masking passes on; an empty one: none.
  void set_mask(Value mask, int output = 0);
  // Which outputs' masks were set, and to what.
  const std::vector<int>& masked_outputs() const { return masked_outputs_; }
  const Values& output_masks() const { return output_masks_; }
  // A scalar added to the model's loss.
  void add_loss(const Value& loss);
  // The variable's value as of the updates so far in this step, and its value from the next step on.
  Value value_of(const Variable& variable) const;
  void assign(const Variable& variable, const Value& value);
  // The arguments of random ops: the number of the step, and a stream of this layer's own.
  Value random_step();
  std::uint64_t random_stream(std::optional<std::uint64_t> seed = {});
  TraceContext& trace() { return trace_; }

 private:
  TraceContext& trace_;
  Values masks_;  // of the inputs
  CallOptions options_;
  std::vector<int> masked_outputs_;
  Values output_masks_;  // one for each of them
};

// How configurations write a call of several inputs.
enum class CallForm : std::uint8_t {
  list,           // layer([a, b])
  positional,     // layer(a, b)
  initial_state,  // layer(a, initial_state=[b, c])
  attention,      // layer(a, b, key=c, attention_mask=d)
};

class LayerImpl : public Callable, public std::enable_shared_from_this<LayerImpl> {
 public:
  // `name` empty: Keras's automatic name, "dense_1".
  LayerImpl(std::string class_name, std::string name, bool trainable = true);

  const std::string& name() const final { return name_; }
  std::string class_name() const final { return class_name_; }

  // The arguments the layer was made with. Base: name, trainable, dtype.
  virtual Config config() const;

  // Makes the weights for inputs of these shapes (unknown sizes are -1) unless they are there; errors get the name.
  void build_for(std::span<const Shape> inputs);
  bool built() const { return built_; }
  // The shapes the layer was built for.
  const std::vector<Shape>& input_shapes() const { return input_shapes_; }

  bool trainable() const { return trainable_; }
  // Also of the layers inside.
  virtual void set_trainable(bool trainable);

  // The layer's own variables in creation order, then those of its children.
  std::vector<Variable> variables() const;
  const std::vector<Variable>& own_variables() const { return variables_; }
  // Registered children with the names files know them by.
  const std::vector<NamedLayer>& children() const { return children_; }

  // The value an Input stands for; empty for every other layer.
  virtual Value symbolic_input() const { return {}; }

  // Whether the layer is a model: files then name its children by class, under "layers".
  virtual bool is_model() const { return false; }

  // Whether the first input's mask is also the first output's, unless `call` sets another. A layer that does not and
  // gets one warns once, as Keras: the layers behind it do not see the mask.
  virtual bool supports_masking() const { return false; }

  // Whether calls may have the options of attention layers.
  virtual bool is_attention() const { return false; }
  // Whether calls may be in the other direction.
  virtual bool is_reversible() const { return false; }

  virtual CallForm call_form() const { return CallForm::list; }

  // Whether Keras's class takes training=True for granted and writes it at each call, where it says nothing: `fit` and
  // `predict` decide.
  virtual bool trains_by_default() const { return false; }

  // Zeroes the states of stateful recurrent layers, also of those inside.
  virtual void reset_state();

  // For layers that use their input as indices: it must be in [0, index_limit()). 0: no such limit.
  virtual std::int64_t index_limit() const { return 0; }

  // Composes the outputs by ops for inputs of known shapes. A layer overrides one of these two.
  virtual Values call(std::span<const Value> inputs, CallContext& context);
  virtual Value call(Value input, CallContext& context);

  // Calls the layer: adds a layer-call node to the graph, or, inside a trace, expands it.
  Values operator()(std::span<const Value> inputs, const CallOptions& options);
  Values expand(std::span<const Value> inputs, const std::any& call_options, TraceContext& context) final;

 protected:
  // Makes the weights: calls add_weight. A layer overrides one of these two, or none when it has no weights.
  virtual void build(std::span<const Shape> inputs);
  virtual void build(const Shape& input);
  // Throws InvalidArgument when the layer cannot take such inputs; called before build, with unknown sizes as -1.
  virtual void check_inputs(std::span<const Shape> inputs) const;
  // The number of inputs the layer takes: exactly one unless overridden; -1: any.
  virtual int input_count() const { return 1; }

  Variable add_weight(const std::string& name, Shape shape, VariableOptions options = {});
  // A layer that this one calls; `name` is what files call it.
  template <class L>
  L add_child(const std::string& name, L child) {
    keep_child(name, child);
    return child;
  }
  void clear_children();

 private:
  void keep_child(const std::string& name, const Layer& child);
  void pass_masks(const Values& outputs, CallContext& context);

  std::string class_name_, name_;
  bool trainable_, built_ = false, warned_of_mask_ = false;
  std::vector<Shape> input_shapes_;
  std::vector<Variable> variables_;
  std::vector<NamedLayer> children_;
};

class Layer {
 public:
  Layer();
  // Not inline: copied wherever users write a model.
  Layer(const Layer&);
  Layer(Layer&&) noexcept;
  Layer& operator=(const Layer&);
  Layer& operator=(Layer&&) noexcept;
  ~Layer();
  explicit Layer(std::shared_ptr<LayerImpl> impl);

  // Applies the layer: to symbolic values it adds to the graph, to tensors it computes when the result is made a
  // Tensor. Throws InvalidArgument, with the layer's name, when the input does not fit.
  Value operator()(const Value& input, const CallOptions& options = {}) const;
  // For layers of several inputs; the first output.
  Value operator()(const Values& inputs, const CallOptions& options = {}) const;
  // All outputs.
  Values call(const Values& inputs, const CallOptions& options = {}) const;

  const std::string& name() const { return impl().name(); }
  std::string class_name() const { return impl().class_name(); }
  Config config() const { return impl().config(); }
  std::vector<Variable> variables() const { return impl().variables(); }
  // Of the layer and the layers inside it: trained ones, and the others (a frozen layer has only the others).
  std::vector<Variable> trainable_variables() const;
  std::vector<Variable> non_trainable_variables() const;
  std::int64_t count_params() const;
  // Values of variables(), in that order.
  std::vector<Tensor> get_weights() const;
  // Throws InvalidArgument, before anything changes, when number, shapes or dtypes differ.
  void set_weights(const std::vector<Tensor>& weights);

  // A frozen layer's weights do not train; a frozen BatchNormalization also uses its moving statistics, as in Keras.
  bool trainable() const { return impl().trainable(); }
  void set_trainable(bool trainable) { impl().set_trainable(trainable); }
  // Zeroes the states that stateful recurrent layers keep from one batch to the next, also of layers inside.
  void reset_state() { impl().reset_state(); }
  bool built() const { return impl().built(); }
  void build(const Shape& input) { impl().build_for(std::span<const Shape>(&input, 1)); }

  // Throws InvalidArgument when the handle is empty.
  LayerImpl& impl() const;
  const std::shared_ptr<LayerImpl>& pointer() const { return impl_; }
  explicit operator bool() const { return impl_ != nullptr; }
  bool operator==(const Layer& other) const { return impl_ == other.impl_; }

 private:
  std::shared_ptr<LayerImpl> impl_;
};

// A child of a layer, with the name that files know it by.
struct NamedLayer {
  std::string name;
  Layer layer;
};

// A layer of a class of the user's: `Custom<MyLayer> my(arguments of MyLayer's constructor)`.
template <class Impl>
class Custom : public Layer {
 public:
  template <class... Arguments>
  explicit Custom(Arguments&&... arguments) : Layer(std::make_shared<Impl>(std::forward<Arguments>(arguments)...)) {}
  Impl& operator*() const { return static_cast<Impl&>(impl()); }
  Impl* operator->() const { return static_cast<Impl*>(&impl()); }
};

// Variables that training changes, and the rest, respecting frozen layers. Each variable is listed once.
std::vector<Variable> trainable_variables(const LayerImpl& layer);
std::vector<Variable> non_trainable_variables(const LayerImpl& layer);

}  // namespace keratin
