// RecurrentCell: one step of a recurrent layer. What SimpleRNN, LSTM and GRU differ in.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/config_reader.h"
#include "keratin/core/model/layer.h"
#include "keratin/core/ops/recurrent.h"

namespace keratin::detail {

// As a layer: {x (n, features), states (n, size)...} -> {output, next states...}; between these axes there may be
// spatial ones.
class RecurrentCell : public LayerImpl {
 public:
  using LayerImpl::LayerImpl;

  // The sizes of the states; the first of them is the output.
  virtual std::vector<std::int64_t> state_sizes() const = 0;
  virtual std::int64_t output_size() const { return state_sizes().front(); }
  virtual std::size_t spatial_axes() const { return 0; }
  // The shape of a state for a step of that shape; unknown sizes are -1.
  virtual Shape state_shape(std::size_t state, const Shape& step) const { return {step[0], state_sizes()[state]}; }
  // For a layer whose arguments are those of its cell: adds them, in the order in which the layer has them. `config`
  // has what all recurrent layers have.
  virtual void add_to_layer_config(Config&) const {}
  // x with dropout, in training; the same for all steps.
  virtual Value dropped_input(const Value& x, CallContext&) { return x; }
  // What a step needs of x, after dropout. For all steps at once, (time, n, features), which is one large matrix
  // product, or for one.
  virtual Value project(const Value& x, CallContext& context) = 0;
  // The next states. What does not depend on the states is computed once, before the first step.
  virtual Values step(const Value& projected, const Values& states, CallContext& context) = 0;
  // Which of the next states is the output.
  virtual std::size_t output_state() const { return 0; }

  // When a loop of this cell's steps is an LSTM or a GRU such as backends may have kernels for: which of them, and its
  // weights.
  struct Known {
    RecurrentKind kind;
    Values weights;
  };
  virtual std::optional<Known> known(CallContext&) const { return {}; }

  using LayerImpl::call;
  Values call(std::span<const Value> inputs, CallContext& context) override;

 protected:
  int input_count() const override { return 1 + static_cast<int>(state_sizes().size()); }
  void check_inputs(std::span<const Shape> inputs) const override;
};

// The options of all cells; each has some of them.
struct CellArguments {
  std::int64_t units = 1;
  ActivationFunction activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  bool unit_forget_bias = true, reset_after = true;
  Regularizer kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  Constraint kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0.0, recurrent_dropout = 0.0;
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  bool trainable = true;
};
// From the options of a layer or of its cell.
template <class Options>
CellArguments cell_arguments(std::int64_t units, const Options& o) {
  CellArguments a{.units = units,
                  .activation = o.activation,
                  .use_bias = o.use_bias,
                  .kernel_initializer = o.kernel_initializer,
                  .recurrent_initializer = o.recurrent_initializer,
                  .bias_initializer = o.bias_initializer,
                  .kernel_regularizer = o.kernel_regularizer,
                  .recurrent_regularizer = o.recurrent_regularizer,
                  .bias_regularizer = o.bias_regularizer,
                  .kernel_constraint = o.kernel_constraint,
                  .recurrent_constraint = o.recurrent_constraint,
                  .bias_constraint = o.bias_constraint,
                  .dropout = o.dropout,
                  .recurrent_dropout = o.recurrent_dropout,
                  .seed = o.seed,
                  .name = o.name,
                  .trainable = o.trainable};
  if constexpr (requires { o.recurrent_activation; }) a.recurrent_activation = o.recurrent_activation;
  if constexpr (requires { o.unit_forget_bias; }) a.unit_forget_bias = o.unit_forget_bias;
  if constexpr (requires { o.reset_after; }) a.reset_after = o.reset_after;
  return a;
}
// The options of a layer or a cell from its configuration. What all recurrent layers have is read too, if it is there.
template <class Options>
Options read_recurrent_options(ConfigReader& c) {
  Options o;
  o.activation = c.activation("activation");
  if constexpr (requires { o.recurrent_activation; }) o.recurrent_activation = c.activation("recurrent_activation");
  o.use_bias = c.boolean("use_bias", true);
  o.kernel_initializer = c.initializer("kernel_initializer", "glorot_uniform");
  o.recurrent_initializer = c.initializer("recurrent_initializer", "orthogonal");
  o.bias_initializer = c.initializer("bias_initializer", "zeros");
  if constexpr (requires { o.unit_forget_bias; }) o.unit_forget_bias = c.boolean("unit_forget_bias", true);
  o.kernel_regularizer = c.regularizer("kernel_regularizer");
  o.recurrent_regularizer = c.regularizer("recurrent_regularizer");
  o.bias_regularizer = c.regularizer("bias_regularizer");
  o.kernel_constraint = c.constraint("kernel_constraint");
  o.recurrent_constraint = c.constraint("recurrent_constraint");
  o.bias_constraint = c.constraint("bias_constraint");
  o.dropout = c.number("dropout", 0.0);
  o.recurrent_dropout = c.number("recurrent_dropout", 0.0);
  if constexpr (requires { o.reset_after; }) o.reset_after = c.boolean("reset_after", true);
  o.seed = c.seed();
  c.ignore("implementation");  // Keras 2's
  if constexpr (requires { o.return_sequences; }) {
    o.activity_regularizer = c.regularizer("activity_regularizer");
    o.return_sequences = c.boolean("return_sequences", false);
    o.return_state = c.boolean("return_state", false);
    o.go_backwards = c.boolean("go_backwards", false);
    o.stateful = c.boolean("stateful", false);
    if constexpr (requires { o.unroll; }) {
      o.unroll = c.boolean("unroll", false);
    } else {
      c.ignore("unroll");  // has no effect
    }
    c.expect("zero_output_for_mask", {false, true});  // Bidirectional sets it itself
    c.expect("time_major", {false});                  // Keras 2's
  }
  o.name = c.name();
  o.trainable = c.trainable();
  return o;
}

// Zeros (or whatever the bias begins with) but for the forget gate of an LSTM, the second of four: ones.
Initializer with_forget_bias(const Initializer& bias);
// What the layers of all LSTMs have in common in their configurations.
void add_lstm_config(const CellArguments& arguments, Config& config);

// The weights of SimpleRNN, LSTM and GRU: kernel (features, gates·units), recurrent_kernel (units, gates·units), bias.
class GatedCell : public RecurrentCell {
 public:
  // Throws InvalidArgument, naming `class_name`, for units that are not positive and rates outside [0, 1].
  GatedCell(const std::string& class_name, int gates, CellArguments arguments);

  Config config() const override;
  const CellArguments& arguments() const { return arguments_; }
  void add_to_layer_config(Config& config) const override;

  Value dropped_input(const Value& x, CallContext& context) override;
  Value project(const Value& x, CallContext& context) override;

 protected:
  // What known() says of a loop of steps without recurrent dropout, by the default activations.
  std::optional<Known> known_as(RecurrentKind kind, CallContext& context) const;
  // Makes the weights; the bias has the shape (gates·units,) unless overridden.
  using LayerImpl::build;
  void build(const Shape& input) override;
  virtual Shape bias_shape() const { return {gates_ * arguments_.units}; }
  virtual Initializer bias_initializer() const { return arguments_.bias_initializer; }
  // The bias that is added to the projection.
  virtual Value input_bias() const { return bias_; }
  void check_inputs(std::span<const Shape> inputs) const override;

  // h·recurrent_kernel for gates [first, last), with recurrent dropout in training: a mask for each gate and row, the
  // same in every step.
  Value recurrent_product(const Value& h, int first, int last, CallContext& context);
  // `parts` equal pieces of the last axis.
  static Values gates(const Value& z, int parts);
  const Variable& bias() const { return bias_; }

 private:
  Value drop(const Value& ones, double rate, CallContext& context) const;
  Value gate_kernel(const Variable& kernel, int first, int last) const;

  int gates_;
  CellArguments arguments_;
  Variable kernel_, recurrent_kernel_, bias_;
};

}  // namespace keratin::detail
