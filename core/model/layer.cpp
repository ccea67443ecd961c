#include "keratin/core/model/layer.h"

#include <algorithm>

#include "keratin/core/compiler/trace.h"
#include "keratin/core/graph/detail/infer_with_unknowns.h"
#include "keratin/core/model/naming.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"

namespace keratin {
namespace {

void add_once(std::vector<Variable>& list, const Variable& variable) {
  if (std::find(list.begin(), list.end(), variable) == list.end()) list.push_back(variable);
}

// `frozen`: an outer layer is frozen. Frozen layers' variables count as not trainable.
void collect(const LayerImpl& layer, bool frozen, bool wanted, std::vector<Variable>& list) {
  frozen = frozen || !layer.trainable();
  for (const Variable& variable : layer.own_variables()) {
    if ((variable.trainable() && !frozen) == wanted) add_once(list, variable);
  }
  for (const auto& [name, child] : layer.children()) collect(child.impl(), frozen, wanted, list);
}

// Stands in where shapes are inferred and no random number is drawn.
VariablePtr inference_step() {
  static const VariablePtr variable = std::make_shared<VariableState>("inference/random_step", Shape{}, DType::int64,
                                                                      [] { return Tensor::scalar<std::int64_t>(0); });
  return variable;
}

}  // namespace

Layer::Layer() = default;
Layer::Layer(const Layer&) = default;
Layer::Layer(Layer&&) noexcept = default;
Layer::Layer(std::shared_ptr<LayerImpl> impl) : impl_(std::move(impl)) {}
Layer& Layer::operator=(const Layer&) = default;
Layer& Layer::operator=(Layer&&) noexcept = default;
Layer::~Layer() = default;

bool CallContext::training() const { return trace_.training(); }
CallContext::CallContext(TraceContext& trace, Values masks, const CallOptions& options)
    : trace_(trace), masks_(std::move(masks)), options_(options) {}
void CallContext::set_mask(Value mask, int output) {
  const auto at = std::find(masked_outputs_.begin(), masked_outputs_.end(), output);
  if (at != masked_outputs_.end()) {
    output_masks_[static_cast<std::size_t>(at - masked_outputs_.begin())] = std::move(mask);
    return;
  }
  masked_outputs_.push_back(output);
  output_masks_.push_back(std::move(mask));
}
void CallContext::add_loss(const Value& loss) { trace_.add_loss(loss); }
Value CallContext::value_of(const Variable& variable) const { return trace_.value_of(variable.state()); }
void CallContext::assign(const Variable& variable, const Value& value) { trace_.assign(variable.state(), value); }
Value CallContext::random_step() { return trace_.random_step(); }
std::uint64_t CallContext::random_stream(std::optional<std::uint64_t> seed) { return trace_.random_stream(seed); }

LayerImpl::LayerImpl(std::string class_name, std::string name, bool trainable)
    : class_name_(std::move(class_name)), name_(std::move(name)), trainable_(trainable) {
  if (name_.empty()) name_ = unique_name(class_name_);
  // Names are parts of paths in files.
  if (name_.find('/') != std::string::npos) {
    throw InvalidArgument("a layer's name must not contain '/', got '" + name_ + "'");
  }
}

void LayerImpl::set_trainable(bool trainable) {
  trainable_ = trainable;
  for (auto& [name, child] : children_) child.set_trainable(trainable);
}

std::vector<Variable> LayerImpl::variables() const {
  std::vector<Variable> result = variables_;
  for (const auto& [name, child] : children_) {
    for (const Variable& variable : child.variables()) add_once(result, variable);
  }
  return result;
}

Values LayerImpl::call(std::span<const Value> inputs, CallContext& context) { return {call(inputs.front(), context)}; }
Value LayerImpl::call(Value, CallContext&) {
  throw InvalidArgument("class " + class_name_ + " overrides neither form of LayerImpl::call");
}
void LayerImpl::build(std::span<const Shape> inputs) { build(inputs.front()); }
void LayerImpl::build(const Shape&) {}
void LayerImpl::check_inputs(std::span<const Shape>) const {}

void LayerImpl::build_for(std::span<const Shape> inputs) {
  try {
    if (input_count() >= 0 && static_cast<int>(inputs.size()) != input_count()) {
      throw InvalidArgument("expected " + std::to_string(input_count()) + " input" + (input_count() == 1 ? "" : "s") +
                            ", got " + std::to_string(inputs.size()));
    }
    if (inputs.empty()) throw InvalidArgument("expected at least one input, got none");
    check_inputs(inputs);
    if (built_) return;
    build(inputs);
  } catch (const Error& error) {
    // A half-built layer would keep weights of the wrong shape.
    if (!built_) variables_.clear();
    if (TraceContext::current()) throw;  // the trace adds the name
    error.rethrow_in(name_ + " (" + class_name_ + ")");
  }
  input_shapes_.assign(inputs.begin(), inputs.end());
  built_ = true;
}

Variable LayerImpl::add_weight(const std::string& name, Shape shape, VariableOptions options) {
  Variable variable(name_ + "/" + name, std::move(shape), std::move(options));
  variables_.push_back(variable);
  return variable;
}

void LayerImpl::keep_child(const std::string& name, const Layer& child) { children_.push_back({name, child}); }
void LayerImpl::clear_children() { children_.clear(); }

Values LayerImpl::operator()(std::span<const Value> arguments, const CallOptions& options) {
  std::vector<Shape> shapes;
  for (const Value& input : arguments) shapes.push_back(input.shape());
  auto self = std::static_pointer_cast<LayerImpl>(shared_from_this());
  // Masks that are given are inputs of the call too, behind the others.
  Values inputs(arguments.begin(), arguments.end());
  if (options.mask.size() > arguments.size()) {
    throw InvalidArgument(name_ + " (" + class_name_ + "): got " + std::to_string(options.mask.size()) + " masks for " +
                          std::to_string(arguments.size()) + " inputs");
  }
  for (const Value& mask : options.mask) {
    if (mask) inputs.push_back(mask);
  }
  if (TraceContext* trace = TraceContext::current()) return trace->call(self, inputs, options);
  const bool fresh = !built_;
  build_for(shapes);
  std::vector<Spec> input_specs;
  for (const Value& input : inputs) input_specs.push_back(input.spec());
  // The outputs' shapes are those of a trial expansion, which is thrown away.
  std::vector<Spec> outputs;
  try {
    outputs = infer_with_unknowns(input_specs, [&](std::span<const Spec> known) {
      TraceContext trace(Phase::predict, inference_step(), 0);
      const ActiveTrace active(trace);
      Values trial;
      for (const Spec& spec : known) trial.push_back(trace.input("trial", spec));
      std::vector<Spec> result;
      for (const Value& value : trace.call(self, trial, options)) result.push_back(value.spec());
      return result;
    });
  } catch (const Error&) {
    // Weights made for an input that the layer cannot take after all would be in the way of the next one.
    if (fresh && children_.empty()) {
      built_ = false;
      variables_.clear();
      input_shapes_.clear();
    }
    throw;
  }
  // No tensor has such an axis, and sums of sizes by the layers that follow would overflow.
  constexpr std::int64_t kLargestSize = std::int64_t{1} << 31;
  for (const Spec& spec : outputs) {
    if (std::any_of(spec.shape.begin(), spec.shape.end(), [](std::int64_t size) { return size >= kLargestSize; })) {
      throw InvalidArgument(name_ + " (" + class_name_ + "): an output of shape " + spec.shape.to_string() +
                            " is too large");
    }
  }
  const std::size_t count = outputs.size();
  auto node = std::make_shared<const Node>(self, options, std::move(inputs), std::move(outputs));
  Values results;
  for (std::size_t i = 0; i < count; ++i) results.emplace_back(node, static_cast<int>(i));
  return results;
}

Values LayerImpl::expand(std::span<const Value> arguments, const std::any& call_options, TraceContext& trace) {
  const auto& options = std::any_cast<const CallOptions&>(call_options);
  const auto given = std::count_if(options.mask.begin(), options.mask.end(), [](const Value& m) { return !!m; });
  const std::span<const Value> inputs = arguments.first(arguments.size() - static_cast<std::size_t>(given));
  std::vector<Shape> shapes;
  for (const Value& input : inputs) shapes.push_back(input.shape());
  build_for(shapes);
  if (options.reverse && !is_reversible()) {
    throw InvalidArgument("reverse is an option of ReversibleEmbedding only");
  }
  if ((options.use_causal_mask || options.return_attention_scores) && !is_attention()) {
    throw InvalidArgument("use_causal_mask and return_attention_scores are options of attention layers only");
  }
  const bool outer = trace.training();
  if (options.training) trace.set_training(*options.training);
  Values masks;
  for (const Value& input : inputs) masks.push_back(trace.mask_of(input));
  auto next = arguments.begin() + static_cast<std::ptrdiff_t>(inputs.size());
  for (std::size_t i = 0; i < options.mask.size(); ++i) {
    if (options.mask[i]) masks[i] = ops::cast(*next++, DType::boolean);
  }
  CallContext context(trace, std::move(masks), options);
  Values outputs = call(inputs, context);
  pass_masks(outputs, context);
  trace.set_training(outer);
  return outputs;
}

void LayerImpl::pass_masks(const Values& outputs, CallContext& context) {
  TraceContext& trace = context.trace();
  const std::vector<int>& masked = context.masked_outputs();
  for (std::size_t i = 0; i < masked.size(); ++i) {
    trace.set_mask(outputs.at(static_cast<std::size_t>(masked[i])), context.output_masks()[i]);
  }
  if (is_model()) return;  // its layers have given its outputs their masks
  if (std::none_of(context.masks().begin(), context.masks().end(), [](const Value& m) { return !!m; })) return;
  if (supports_masking()) {
    const bool set = std::find(masked.begin(), masked.end(), 0) != masked.end();
    if (!set && !trace.mask_of(outputs[0])) trace.set_mask(outputs[0], context.mask(0));
  } else if (masked.empty() && !warned_of_mask_) {
    warned_of_mask_ = true;
    log(LogLevel::warning, name_ + " (" + class_name_ +
                               "): its input has a mask, which the layer does not use; the layers behind it do not see "
                               "the mask");
  }
}

void LayerImpl::reset_state() {
  for (auto& [name, child] : children_) child.reset_state();
}

Value Layer::operator()(const Value& input, const CallOptions& options) const {
  return impl()(std::span<const Value>(&input, 1), options).front();
}
Value Layer::operator()(const Values& inputs, const CallOptions& options) const {
  return impl()(inputs, options).front();
}
Values Layer::call(const Values& inputs, const CallOptions& options) const { return impl()(inputs, options); }

LayerImpl& Layer::impl() const {
  if (!impl_) throw InvalidArgument("an empty Layer was used");
  return *impl_;
}

std::vector<Variable> trainable_variables(const LayerImpl& layer) {
  std::vector<Variable> result;
  collect(layer, false, true, result);
  return result;
}
std::vector<Variable> non_trainable_variables(const LayerImpl& layer) {
  std::vector<Variable> result;
  collect(layer, false, false, result);
  return result;
}
std::vector<Variable> Layer::trainable_variables() const { return keratin::trainable_variables(impl()); }
std::vector<Variable> Layer::non_trainable_variables() const { return keratin::non_trainable_variables(impl()); }

std::int64_t Layer::count_params() const {
  std::int64_t count = 0;
  for (const Variable& variable : variables()) count += variable.shape().size();
  return count;
}

std::vector<Tensor> Layer::get_weights() const {
  std::vector<Tensor> result;
  for (const Variable& variable : variables()) result.push_back(variable.value());
  return result;
}

void Layer::set_weights(const std::vector<Tensor>& weights) {
  std::vector<Variable> targets = variables();
  if (weights.size() != targets.size()) {
    throw InvalidArgument("set_weights: layer '" + name() + "' has " + std::to_string(targets.size()) +
                          " variables, got " + std::to_string(weights.size()) + " tensors");
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (weights[i].shape() != targets[i].shape() || weights[i].dtype() != targets[i].dtype()) {
      throw InvalidArgument("set_weights: " + targets[i].path() + " is " + std::string(name_of(targets[i].dtype())) +
                            " " + targets[i].shape().to_string() + ", got " + std::string(name_of(weights[i].dtype())) +
                            " " + weights[i].shape().to_string());
    }
  }
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i].assign(weights[i]);
}

}  // namespace keratin
