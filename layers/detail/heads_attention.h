// HeadsAttention: scaled dot-product attention of several heads, which MultiHeadAttention and GroupQueryAttention are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keratin/core/model/config_reader.h"
#include "keratin/core/model/layer.h"

namespace keratin::detail {

struct HeadsArguments {
  std::int64_t query_heads = 1, key_value_heads = 1, key_dim = 1, value_dim = 1;
  double dropout = 0.0;
  bool use_bias = true;
  Shape output_shape = {};               // rank 0: the query's last axis
  std::vector<int> attention_axes = {};  // of the inputs; empty: all between the first and the last
  std::optional<std::int64_t> sliding_window = {};
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, bias_constraint = {};
  bool use_gate = false;
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  bool trainable = true;
  std::string prefix = {};  // of what files call the projections
};
// What the options of both layers share.
template <class Options>
HeadsArguments heads_arguments(const Options& o) {
  return {.dropout = o.dropout,
          .use_bias = o.use_bias,
          .sliding_window = o.sliding_window,
          .kernel_initializer = o.kernel_initializer,
          .bias_initializer = o.bias_initializer,
          .kernel_regularizer = o.kernel_regularizer,
          .bias_regularizer = o.bias_regularizer,
          .activity_regularizer = o.activity_regularizer,
          .kernel_constraint = o.kernel_constraint,
          .bias_constraint = o.bias_constraint,
          .use_gate = o.use_gate,
          .seed = o.seed,
          .name = o.name,
          .trainable = o.trainable};
}
template <class Options>
Options read_heads_options(ConfigReader& c) {
  Options o;
  o.dropout = c.number("dropout", 0.0);
  o.use_bias = c.boolean("use_bias", true);
  if (const ConfigValue* window = c.take("sliding_window"); window && !window->is_null()) {
    o.sliding_window = c.integer("sliding_window");
  }
  c.ignore("flash_attention");  // another way to compute the same
  o.kernel_initializer = c.initializer("kernel_initializer", "glorot_uniform");
  o.bias_initializer = c.initializer("bias_initializer", "zeros");
  o.kernel_regularizer = c.regularizer("kernel_regularizer");
  o.bias_regularizer = c.regularizer("bias_regularizer");
  o.activity_regularizer = c.regularizer("activity_regularizer");
  o.kernel_constraint = c.constraint("kernel_constraint");
  o.bias_constraint = c.constraint("bias_constraint");
  o.use_gate = c.boolean("use_gate", false);
  o.seed = c.seed();
  o.name = c.name();
  o.trainable = c.trainable();
  return o;
}

// Inputs: query, value, key (the value unless given), attention mask (bool, broadcast to (n, T, S)).
class HeadsAttention : public LayerImpl {
 public:
  // Throws InvalidArgument, naming `class_name`, for a dropout outside [0, 1] and a window that is not positive.
  HeadsAttention(const std::string& class_name, HeadsArguments arguments);

  bool supports_masking() const override { return true; }
  bool is_attention() const override { return true; }
  CallForm call_form() const override { return CallForm::attention; }

  using LayerImpl::call;
  Values call(std::span<const Value> inputs, CallContext& context) override;

 protected:
  using LayerImpl::build;
  void build(std::span<const Shape> inputs) override;
  void check_inputs(std::span<const Shape> inputs) const override;
  int input_count() const override { return -1; }

  const HeadsArguments& arguments() const { return arguments_; }
  // The entries from kernel_initializer on.
  void add_common_config(Config& config) const;

 private:
  Layer projection(const std::string& child, const std::string& name, int axes, Shape outputs);
  Value merged_mask(std::span<const Value> inputs, const CallContext& context) const;

  HeadsArguments arguments_;
  Layer query_, key_, value_, gate_, output_;
};

}  // namespace keratin::detail
