#include "keratin/layers/detail/rnn_layer.h"

#include <algorithm>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/gather.h"
#include "keratin/core/ops/scan.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin::detail {
namespace {

// (n, time, ...) and (time, n, ...) from each other.
Value swap_time(const Value& x) {
  std::vector<int> axes = {1, 0};
  for (int axis = 2; axis < x.rank(); ++axis) axes.push_back(axis);
  return ops::transpose(x, axes);
}

// The other way round on the first axis.
Value flipped(const Value& x) {
  const std::int64_t length = x.shape()[0];
  Tensor order({length}, DType::int32);
  for (std::int64_t i = 0; i < length; ++i) {
    order.values<std::int32_t>()[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(length - 1 - i);
  }
  return ops::take(x, Value(order));
}

// The shape of one step of (n, time, ...).
Shape step_of(const Shape& sequences) { return sequences.slice(0, 1).concat(sequences.slice(2, sequences.rank())); }

}  // namespace

RnnLayer::RnnLayer(const std::string& class_name, std::shared_ptr<RecurrentCell> cell, RnnArguments arguments,
                   bool whole_cell)
    : LayerImpl(class_name, arguments.name, arguments.trainable),
      cell_(std::move(cell)),
      arguments_(std::move(arguments)),
      whole_cell_(whole_cell) {
  add_child("cell", Layer(cell_));
}

Config RnnLayer::config() const {
  Config config = LayerImpl::config();
  // Keras puts it here when there is one, and after the others when there is none.
  if (arguments_.activity_regularizer) {
    config.set("activity_regularizer", arguments_.activity_regularizer.config());
  }
  config.set("return_sequences", arguments_.return_sequences)
      .set("return_state", arguments_.return_state)
      .set("go_backwards", arguments_.go_backwards)
      .set("stateful", arguments_.stateful)
      .set("unroll", arguments_.unroll)
      .set("zero_output_for_mask", arguments_.zero_output_for_mask);
  if (whole_cell_) return config.set("cell", cell_->config());
  cell_->add_to_layer_config(config);
  return config;
}

void RnnLayer::check_inputs(std::span<const Shape> inputs) const {
  static constexpr const char* kAxes[] = {"(n, time, features)", "(n, time, steps, c)", "(n, time, h, w, c)",
                                          "(n, time, d, h, w, c)"};
  require_rank(inputs[0], 3 + static_cast<int>(cell_->spatial_axes()), kAxes[cell_->spatial_axes()]);
  require_size(inputs[0], -1, "features", built() ? cell_->input_shapes()[0][-1] : kUnknown);
  const std::vector<std::int64_t> sizes = cell_->state_sizes();
  if (inputs.size() != 1 && inputs.size() != 1 + sizes.size()) {
    throw InvalidArgument("expected the sequences, or the sequences and " + std::to_string(sizes.size()) +
                          " initial states, got " + std::to_string(inputs.size()) + " inputs");
  }
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const Shape wanted = cell_->state_shape(i - 1, step_of(inputs[0]));
    bool fits = inputs[i].rank() == wanted.rank();
    for (int axis = 1; fits && axis < wanted.rank(); ++axis) {
      fits = wanted[axis] == inputs[i][axis] || wanted[axis] == kUnknown || inputs[i][axis] == kUnknown;
    }
    if (fits) continue;
    std::string text = "(n";
    for (int axis = 1; axis < wanted.rank(); ++axis) {
      text += ", " + (wanted[axis] == kUnknown ? "?" : std::to_string(wanted[axis]));
    }
    throw InvalidArgument("initial state " + std::to_string(i - 1) + " must have shape " + text + "), got " +
                          inputs[i].to_string());
  }
  if (!arguments_.stateful) return;
  if (inputs[0][0] == kUnknown) {
    throw InvalidArgument(
        "a stateful layer keeps a state for each row of the batch: give the Input a batch_size, "
        "Input({time, features}, {.batch_size = 32})");
  }
  const Shape state = cell_->state_shape(0, step_of(inputs[0]));
  if (std::find(state.begin(), state.end(), kUnknown) != state.end()) {
    throw InvalidArgument("a stateful layer needs inputs of known sizes, but for the time, got " +
                          inputs[0].to_string());
  }
  if (!states_.empty() && states_[0].shape()[0] != inputs[0][0]) {
    throw InvalidArgument("it keeps the states of " + std::to_string(states_[0].shape()[0]) + " rows, got a batch of " +
                          std::to_string(inputs[0][0]));
  }
}

void RnnLayer::build(std::span<const Shape> inputs) {
  std::vector<Shape> shapes = {step_of(inputs[0])};
  for (std::size_t i = 0; i < state_count(); ++i) shapes.push_back(cell_->state_shape(i, shapes[0]));
  cell_->build_for(shapes);
  if (!arguments_.stateful) return;
  for (std::size_t i = 1; i < shapes.size(); ++i) {
    states_.emplace_back(name() + "/rnn_state", shapes[i], VariableOptions{.initializer = "zeros", .trainable = false});
  }
}

void RnnLayer::reset_state() {
  for (Variable& state : states_) state.assign(Tensor(state.shape(), state.dtype()));
}

Values RnnLayer::initial_states(std::span<const Value> inputs, const Value& projected, CallContext& context) const {
  Values states;
  const Shape step = step_of(inputs[0].shape());
  for (std::size_t i = 0; i < state_count(); ++i) {
    const Shape shape = cell_->state_shape(i, step);
    Value state = inputs.size() > 1     ? inputs[i + 1]
                  : arguments_.stateful ? context.value_of(states_[i])
                                        : ops::broadcast_to(op_support::scalar(0, projected.dtype()), shape);
    if (state.shape() != shape) {
      throw InvalidArgument("initial state " + std::to_string(i) + " must have shape " + shape.to_string() + ", got " +
                            state.shape().to_string());
    }
    states.push_back(ops::cast(state, projected.dtype()));
  }
  return states;
}

// The loop as one op, of which backends may have a kernel.
ops::ScanResult RnnLayer::as_one(const RecurrentCell::Known& known, const Value& x, const Values& initial,
                                 const ops::ScanResult& loop) const {
  Values inputs = {x}, results = loop.outputs;
  inputs.insert(inputs.end(), initial.begin(), initial.end());
  inputs.insert(inputs.end(), known.weights.begin(), known.weights.end());
  results.insert(results.end(), loop.carries.begin(), loop.carries.end());
  const Values all = ops::recurrent(known.kind, arguments_.go_backwards, inputs, results);
  return {Values(all.begin() + 1, all.end()), {all[0]}};
}

Values RnnLayer::call(std::span<const Value> inputs, CallContext& context) {
  // Time first, so that a step is one piece of memory; what the steps need of x is one product for all of them.
  const Value x = cell_->dropped_input(swap_time(op_support::to_floating(inputs[0])), context);
  const Value projected = cell_->project(x, context);
  // Keras passes a mask on to recurrent layers only when no initial state is given; one given to the call counts.
  const Value mask = inputs.size() == 1 || !context.options().mask.empty() ? context.mask() : Value();
  if (mask && mask.shape() != inputs[0].shape().slice(0, 2)) {
    throw InvalidArgument("expected a mask of shape (n, time) = " + inputs[0].shape().slice(0, 2).to_string() +
                          ", got one of shape " + mask.shape().to_string());
  }
  const auto output = static_cast<std::size_t>(cell_->output_state());
  const Values initial = initial_states(inputs, projected, context);
  ops::ScanResult result = ops::scan(
      [&](const Values& step, const Values& states) -> ops::ScanStep {
        Values next = cell_->step(step[0], states, context);
        return {next, {next[output]}};
      },
      {projected}, initial,
      {.reverse = arguments_.go_backwards,
       .mask = mask ? swap_time(mask) : Value(),
       .zero_masked_outputs = arguments_.zero_output_for_mask});
  const auto known = mask ? std::nullopt : cell_->known(context);
  if (known && x.dtype() == known->weights[0].dtype()) result = as_one(*known, x, initial, result);
  if (arguments_.stateful) {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      context.assign(states_[i], ops::cast(result.carries[i], states_[i].dtype()));
    }
  }
  Value y = result.carries[output];
  if (arguments_.return_sequences) {
    // Backwards the first output is that of the last element.
    y = swap_time(arguments_.go_backwards != flipped_ ? flipped(result.outputs[0]) : result.outputs[0]);
  } else if (mask && arguments_.zero_output_for_mask) {
    const std::int64_t last = arguments_.go_backwards ? 0 : result.outputs[0].shape()[0] - 1;
    std::vector<std::int64_t> begin(static_cast<std::size_t>(y.rank()) + 1, 0), size(begin.size(), -1);
    begin[0] = last;
    size[0] = 1;
    y = ops::reshape(ops::slice(result.outputs[0], begin, size), y.shape());
  }
  add_activity_loss(arguments_.activity_regularizer, y, context);
  context.set_mask(arguments_.return_sequences ? context.mask() : Value());
  Values outputs = {y};
  if (arguments_.return_state) outputs.insert(outputs.end(), result.carries.begin(), result.carries.end());
  return outputs;
}

}  // namespace keratin::detail
