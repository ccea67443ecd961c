#include "keratin/layers/detail/recurrent_cell.h"

#include <algorithm>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/random.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin::detail {

Values RecurrentCell::call(std::span<const Value> inputs, CallContext& context) {
  const Values states(inputs.begin() + 1, inputs.end());
  Values next = step(project(dropped_input(op_support::to_floating(inputs[0]), context), context), states, context);
  next.insert(next.begin(), next[output_state()]);
  return next;
}

void RecurrentCell::check_inputs(std::span<const Shape> inputs) const {
  require_rank(inputs[0], 2, "(n, features)");
  const std::vector<std::int64_t> sizes = state_sizes();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const Shape& state = inputs[i + 1];
    if (state.rank() == 2 && (state[1] == sizes[i] || state[1] == kUnknown)) continue;
    throw InvalidArgument("state " + std::to_string(i) + " must have shape (n, " + std::to_string(sizes[i]) +
                          "), got " + state.to_string());
  }
}

Initializer with_forget_bias(const Initializer& bias) {
  return Initializer(
      [bias](const Shape& shape, DType dtype, std::uint64_t seed) {
        const std::int64_t units = shape[0] / 4;
        const Tensor input = bias({units}, dtype, seed), others = bias({2 * units}, dtype, seed);
        Tensor result = Tensor::full(shape, 1, dtype);
        visit_dtype(dtype, [&]<class T>() {
          const auto to = result.values<T>();
          std::copy_n(input.values<T>().begin(), units, to.begin());
          std::copy_n(others.values<T>().begin(), 2 * units, to.begin() + 2 * units);
        });
        return result;
      },
      bias.config());
}

GatedCell::GatedCell(const std::string& class_name, int gates, CellArguments arguments)
    : RecurrentCell(class_name, arguments.name, arguments.trainable), gates_(gates), arguments_(std::move(arguments)) {
  require_positive(class_name, "units", arguments_.units);
  require_rate(class_name, "dropout", arguments_.dropout);
  require_rate(class_name, "recurrent_dropout", arguments_.recurrent_dropout);
}

void GatedCell::check_inputs(std::span<const Shape> inputs) const {
  RecurrentCell::check_inputs(inputs);
  require_size(inputs[0], -1, "features", built() ? kernel_.shape()[0] : kUnknown);
}

Config GatedCell::config() const {
  const CellArguments& a = arguments_;
  const bool lstm = class_name() == "LSTMCell", gru = class_name() == "GRUCell";
  Config config = LayerImpl::config();
  config.set("units", a.units).set("activation", a.activation.name());
  if (lstm || gru) config.set("recurrent_activation", a.recurrent_activation.name());
  config.set("use_bias", a.use_bias);
  if (lstm) config.set("unit_forget_bias", a.unit_forget_bias);
  config.set("kernel_initializer", a.kernel_initializer.config())
      .set("recurrent_initializer", a.recurrent_initializer.config())
      .set("bias_initializer", a.bias_initializer.config())
      .set("kernel_regularizer", a.kernel_regularizer.config())
      .set("recurrent_regularizer", a.recurrent_regularizer.config())
      .set("bias_regularizer", a.bias_regularizer.config())
      .set("kernel_constraint", a.kernel_constraint.config())
      .set("recurrent_constraint", a.recurrent_constraint.config())
      .set("bias_constraint", a.bias_constraint.config())
      .set("dropout", a.dropout)
      .set("recurrent_dropout", a.recurrent_dropout);
  if (gru) config.set("reset_after", a.reset_after);
  return config.set("seed", seed_config(a.seed));
}

namespace {

// What follows the activations in all of them; `lstm`, `gru`: as the class is one.
void add_common(const CellArguments& a, bool lstm, bool gru, Config& config) {
  config.set("use_bias", a.use_bias)
      .set("kernel_initializer", a.kernel_initializer.config())
      .set("recurrent_initializer", a.recurrent_initializer.config())
      .set("bias_initializer", a.bias_initializer.config());
  if (lstm) config.set("unit_forget_bias", a.unit_forget_bias);
  config.set("kernel_regularizer", a.kernel_regularizer.config())
      .set("recurrent_regularizer", a.recurrent_regularizer.config())
      .set("bias_regularizer", a.bias_regularizer.config());
  if (!config.find("activity_regularizer")) config.set("activity_regularizer", {});
  config.set("kernel_constraint", a.kernel_constraint.config())
      .set("recurrent_constraint", a.recurrent_constraint.config())
      .set("bias_constraint", a.bias_constraint.config())
      .set("dropout", a.dropout)
      .set("recurrent_dropout", a.recurrent_dropout);
  if (gru) config.set("reset_after", a.reset_after);
  // Keras leaves a SimpleRNN's seed out, and does not take one either.
  if (lstm || gru) config.set("seed", seed_config(a.seed));
}

// Whether the function is that op, whatever it is called.
bool is_op(const ActivationFunction& function, const OpDef& op, const Value& x) {
  const Value y = function(x);
  return y.node()->is(op) && y.node()->input(0) == x;
}

// One mask for a whole sequence: ones for a step of (time, n, features), or for (n, features).
Value ones_for_row(const Value& x) { return constant(Tensor::full(x.shape().slice(-2, x.rank()), 1, x.dtype())); }

}  // namespace

void add_lstm_config(const CellArguments& a, Config& config) {
  config.set("activation", a.activation.name()).set("recurrent_activation", a.recurrent_activation.name());
  add_common(a, true, false, config);
}

void GatedCell::add_to_layer_config(Config& config) const {
  const CellArguments& a = arguments_;
  const bool lstm = class_name() == "LSTMCell", gru = class_name() == "GRUCell";
  config.set("units", a.units);
  if (lstm) return add_lstm_config(a, config);
  config.set("activation", a.activation.name());
  if (gru) config.set("recurrent_activation", a.recurrent_activation.name());
  add_common(a, false, gru, config);
}

void GatedCell::build(const Shape& input) {
  const CellArguments& a = arguments_;
  const std::int64_t width = gates_ * a.units;
  kernel_ = add_weight(
      "kernel", {input[-1], width},
      {.initializer = a.kernel_initializer, .regularizer = a.kernel_regularizer, .constraint = a.kernel_constraint});
  recurrent_kernel_ = add_weight("recurrent_kernel", {a.units, width},
                                 {.initializer = a.recurrent_initializer,
                                  .regularizer = a.recurrent_regularizer,
                                  .constraint = a.recurrent_constraint});
  if (!a.use_bias) return;
  bias_ = add_weight(
      "bias", bias_shape(),
      {.initializer = bias_initializer(), .regularizer = a.bias_regularizer, .constraint = a.bias_constraint});
}

Value GatedCell::drop(const Value& ones, double rate, CallContext& context) const {
  return ops::dropout(ones, context.random_step(), rate, context.random_stream(arguments_.seed));
}

Value GatedCell::gate_kernel(const Variable& kernel, int first, int last) const {
  const std::int64_t units = arguments_.units;
  return ops::slice(kernel, {0, first * units}, {-1, (last - first) * units});
}

Value GatedCell::dropped_input(const Value& x, CallContext& context) {
  // With recurrent dropout there is one mask for each gate: project() has them.
  if (!context.training() || arguments_.dropout == 0 || arguments_.recurrent_dropout > 0) return x;
  return x * drop(ones_for_row(x), arguments_.dropout, context);
}

Value GatedCell::project(const Value& x, CallContext& context) {
  const CellArguments& a = arguments_;
  Value y;
  if (!context.training() || a.dropout == 0 || a.recurrent_dropout == 0) {
    y = ops::matmul(x, kernel_);
  } else {
    const Value ones = ones_for_row(x);
    Values parts;
    for (int gate = 0; gate < gates_; ++gate) {
      parts.push_back(ops::matmul(x * drop(ones, a.dropout, context), gate_kernel(kernel_, gate, gate + 1)));
    }
    y = ops::concatenate(parts);
  }
  return a.use_bias ? y + input_bias() : y;
}

std::optional<RecurrentCell::Known> GatedCell::known_as(RecurrentKind kind, CallContext& context) const {
  const CellArguments& a = arguments_;
  if (!is_op(a.activation, kTanh, kernel_) || !is_op(a.recurrent_activation, kSigmoid, kernel_) ||
      (context.training() && a.recurrent_dropout > 0)) {
    return {};
  }
  Values weights = {kernel_, recurrent_kernel_};
  if (a.use_bias) weights.push_back(bias_);
  return Known{kind, std::move(weights)};
}

Value GatedCell::recurrent_product(const Value& h, int first, int last, CallContext& context) {
  if (!context.training() || arguments_.recurrent_dropout == 0) {
    return ops::matmul(h,
                       last - first == gates_ ? Value(recurrent_kernel_) : gate_kernel(recurrent_kernel_, first, last));
  }
  const Value ones = constant(Tensor::full(h.shape(), 1, h.dtype()));
  Values parts;
  for (int gate = first; gate < last; ++gate) {
    parts.push_back(ops::matmul(h * drop(ones, arguments_.recurrent_dropout, context),
                                gate_kernel(recurrent_kernel_, gate, gate + 1)));
  }
  return parts.size() == 1 ? parts[0] : ops::concatenate(parts);
}

Values GatedCell::gates(const Value& z, int parts) { return ops::split(z, parts, -1); }

}  // namespace keratin::detail
