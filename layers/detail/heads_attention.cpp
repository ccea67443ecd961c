#include "keratin/layers/detail/heads_attention.h"

#include <algorithm>
#include <cmath>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/random.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/softmax.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin::detail {
namespace {

constexpr double kMasked = -1e9;  // far below all scores

// y = x·kernel + bias, of the last `axes` axes of x to `outputs`: kernel (these axes, outputs), bias (outputs).
class Projection final : public LayerImpl {
 public:
  Projection(const std::string& name, int axes, Shape outputs, const HeadsArguments& arguments)
      : LayerImpl("EinsumDense", name), axes_(axes), outputs_(std::move(outputs)), arguments_(arguments) {}

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext& context) override {
    x = op_support::to_floating(x);
    const Shape front = x.shape().slice(0, x.rank() - axes_);
    const std::int64_t from = kernel_.shape().slice(0, axes_).size(), to = outputs_.size();
    Value y = ops::matmul(ops::reshape(x, front.concat(Shape{from})), ops::reshape(kernel_, {from, to}));
    y = ops::reshape(y, front.concat(outputs_));
    if (arguments_.use_bias) y = y + bias_;
    add_activity_loss(arguments_.activity_regularizer, y, context);
    return y;
  }

 protected:
  void build(const Shape& input) override {
    const Shape features = input.slice(input.rank() - axes_, input.rank());
    kernel_ = add_weight("kernel", features.concat(outputs_),
                         {.initializer = arguments_.kernel_initializer,
                          .regularizer = arguments_.kernel_regularizer,
                          .constraint = arguments_.kernel_constraint});
    if (!arguments_.use_bias) return;
    bias_ = add_weight("bias", outputs_,
                       {.initializer = arguments_.bias_initializer,
                        .regularizer = arguments_.bias_regularizer,
                        .constraint = arguments_.bias_constraint});
  }
  void check_inputs(std::span<const Shape> inputs) const override {
    require_size(inputs[0], -1, "features", built() ? kernel_.shape()[axes_ - 1] : kUnknown);
  }

 private:
  int axes_;
  Shape outputs_;
  HeadsArguments arguments_;
  Variable kernel_, bias_;
};

// How inputs (n, ..., heads, size) are brought into the form (n, free axes, heads, positions, size) and back.
struct Arrangement {
  std::vector<int> attention, order;

  Arrangement(std::vector<int> axes, int rank) : attention(std::move(axes)) {
    order = {0};
    for (int axis = 1; axis < rank - 2; ++axis) {
      if (std::find(attention.begin(), attention.end(), axis) == attention.end()) order.push_back(axis);
    }
    order.push_back(rank - 2);
    order.insert(order.end(), attention.begin(), attention.end());
    order.push_back(rank - 1);
  }
  Shape positions(const Shape& shape) const {
    std::vector<std::int64_t> sizes;
    for (int axis : attention) sizes.push_back(shape[axis]);
    return Shape(sizes);
  }
  Value apart(const Value& x) const {
    const Value y = ops::transpose(x, order);
    const int front = x.rank() - 1 - static_cast<int>(attention.size());
    return ops::reshape(y, y.shape().slice(0, front).concat({positions(x.shape()).size(), x.shape()[-1]}));
  }
  Value together(const Value& y, const Shape& positions) const {
    const Shape front = y.shape().slice(0, y.rank() - 2);
    std::vector<int> back(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) back[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
    return ops::transpose(ops::reshape(y, front.concat(positions).concat({y.shape()[-1]})), back);
  }
};

std::vector<int> attention_axes(const std::vector<int>& given, int rank) {
  std::vector<int> axes;
  if (given.empty()) {
    for (int axis = 1; axis < rank - 1; ++axis) axes.push_back(axis);
  }
  for (int axis : given) {
    axes.push_back(axis < 0 ? axis + rank : axis);
    if (axes.back() < 1 || axes.back() > rank - 2) {
      throw InvalidArgument("attention axis " + std::to_string(axis) +
                            " is not between the first and the last axis of " + std::to_string(rank));
    }
  }
  return axes;
}

Value both(const Value& a, const Value& b) { return a ? ops::logical_and(a, b) : b; }

}  // namespace

HeadsAttention::HeadsAttention(const std::string& class_name, HeadsArguments arguments)
    : LayerImpl(class_name, arguments.name, arguments.trainable), arguments_(std::move(arguments)) {
  require_rate(class_name, "dropout", arguments_.dropout);
  if (arguments_.sliding_window) require_positive(class_name, "sliding_window", *arguments_.sliding_window);
}

void HeadsAttention::add_common_config(Config& config) const {
  const HeadsArguments& a = arguments_;
  config.set("kernel_initializer", a.kernel_initializer.config())
      .set("bias_initializer", a.bias_initializer.config())
      .set("kernel_regularizer", a.kernel_regularizer.config())
      .set("bias_regularizer", a.bias_regularizer.config())
      .set("activity_regularizer", a.activity_regularizer.config())
      .set("kernel_constraint", a.kernel_constraint.config())
      .set("bias_constraint", a.bias_constraint.config());
  if (a.seed) config.set("seed", seed_config(a.seed));  // older versions of Keras 3 do not know it
}

void HeadsAttention::check_inputs(std::span<const Shape> inputs) const {
  if (inputs.size() < 2 || inputs.size() > 4) {
    throw InvalidArgument("expected query and value, and perhaps key and attention mask, got " +
                          std::to_string(inputs.size()) + " input" + (inputs.size() == 1 ? "" : "s"));
  }
  const std::size_t sequences = std::min<std::size_t>(inputs.size(), 3);
  for (std::size_t i = 0; i < sequences; ++i) require_rank_from(inputs[i], 3, "(n, ..., features)");
  for (std::size_t i = 1; i < sequences; ++i) {
    if (inputs[i].rank() == inputs[0].rank()) continue;
    throw InvalidArgument("query, value and key must have equally many axes, got " + inputs[0].to_string() + " and " +
                          inputs[i].to_string());
  }
  if (sequences == 3 && inputs[1].slice(1, -1) != inputs[2].slice(1, -1)) {
    throw InvalidArgument("value and key must have the same positions, got " + inputs[1].to_string() + " and " +
                          inputs[2].to_string());
  }
  attention_axes(arguments_.attention_axes, inputs[0].rank());
}

Layer HeadsAttention::projection(const std::string& child, const std::string& name, int axes, Shape outputs) {
  return add_child(child, Layer(std::make_shared<Projection>(name, axes, std::move(outputs), arguments_)));
}

void HeadsAttention::build(std::span<const Shape> inputs) {
  const HeadsArguments& a = arguments_;
  const Shape &query = inputs[0], &value = inputs[1], &key = inputs.size() > 2 ? inputs[2] : value;
  query_ = projection(a.prefix + "query_dense", "query", 1, {a.query_heads, a.key_dim});
  key_ = projection(a.prefix + "key_dense", "key", 1, {a.key_value_heads, a.key_dim});
  if (a.use_gate) gate_ = projection("_gate_dense", "gate", 1, {a.query_heads, a.value_dim});
  value_ = projection(a.prefix + "value_dense", "value", 1, {a.key_value_heads, a.value_dim});
  const Shape outputs = a.output_shape.rank() > 0 ? a.output_shape : Shape{query[-1]};
  output_ = projection(a.prefix + "output_dense", "attention_output", 2, outputs);
  query_.build(query);
  key_.build(key);
  if (gate_) gate_.build(query);
  value_.build(value);
  output_.build(query.slice(0, -1).concat({a.query_heads, a.value_dim}));
}

// True where a position of the query may look at one of the value; (n or 1, ..., T, S), or empty.
Value HeadsAttention::merged_mask(std::span<const Value> inputs, const CallContext& context) const {
  const std::vector<int> axes = attention_axes(arguments_.attention_axes, inputs[0].rank());
  Value merged;
  for (int i = 0; i < static_cast<int>(std::min<std::size_t>(inputs.size(), 3)); ++i) {
    const Value mask = context.mask(i);
    if (!mask) continue;
    const Shape positions = inputs[static_cast<std::size_t>(i)].shape().slice(0, -1);
    if (axes != std::vector<int>{positions.rank() - 1} || mask.shape() != positions) {
      throw InvalidArgument("a mask of shape " + mask.shape().to_string() + " for an input of shape " +
                            inputs[static_cast<std::size_t>(i)].shape().to_string() +
                            " is not supported: it must be for the axis before the last, and attention over that one");
    }
    merged = both(merged, ops::expand_dims(mask, i == 0 ? -1 : -2));
  }
  const bool causal = context.options().use_causal_mask;
  if (causal || arguments_.sliding_window) {
    if (axes.size() != 1) {
      throw InvalidArgument("a causal mask or a sliding window is for attention over one axis, this is over " +
                            std::to_string(axes.size()));
    }
    const Shape shape = {1, inputs[0].shape()[axes[0]], inputs[1].shape()[axes[0]]};
    const Value row = ops::iota(shape, 1), column = ops::iota(shape, 2);
    if (causal) merged = both(merged, ops::greater_equal(row, column));
    if (arguments_.sliding_window) {
      const auto window = static_cast<double>(*arguments_.sliding_window);
      merged = both(merged, ops::less(ops::abs(row - column), window));
    }
  }
  if (inputs.size() > 3) merged = both(merged, ops::cast(inputs[3], DType::boolean));
  return merged;
}

Values HeadsAttention::call(std::span<const Value> inputs, CallContext& context) {
  const HeadsArguments& a = arguments_;
  const Value &query = inputs[0], &value = inputs[1], &key = inputs.size() > 2 ? inputs[2] : value;
  Value mask = merged_mask(inputs, context);
  Value q = query_(query), k = key_(key), v = value_(value);
  if (const std::int64_t repeats = a.query_heads / a.key_value_heads; repeats > 1) {
    k = ops::repeat(k, repeats, -2);
    v = ops::repeat(v, repeats, -2);
  }
  const Arrangement arrangement(attention_axes(a.attention_axes, query.rank()), q.rank());
  const Shape to = arrangement.positions(q.shape()), from = arrangement.positions(k.shape());
  q = arrangement.apart(q) * (1 / std::sqrt(static_cast<double>(a.key_dim)));
  Value scores = ops::matmul(q, arrangement.apart(k), {.transpose_b = true});
  const bool explicit_scores = a.dropout > 0 || context.options().return_attention_scores || q.rank() != 4;
  if (mask) {
    while (mask.rank() < scores.rank()) mask = ops::expand_dims(mask, -3);
    scores = ops::where(mask, scores, kMasked);
  }
  Value weights = ops::softmax(scores);
  // For a position that may look at none, Keras's weights are 0 here, and equal when it does not make them explicit.
  if (mask && explicit_scores) weights = ops::where(mask, weights, 0.0);
  Value used = weights;
  if (context.training() && a.dropout > 0) {
    used = ops::dropout(weights, context.random_step(), a.dropout, context.random_stream(a.seed));
  }
  Value y = arrangement.together(ops::matmul(used, arrangement.apart(v)), to);
  if (gate_) y = y * ops::sigmoid(gate_(query));
  Values outputs = {output_(y)};
  context.set_mask(context.mask());
  if (context.options().return_attention_scores) {
    const Shape front = weights.shape().slice(0, -2);
    outputs.push_back(ops::reshape(weights, front.concat(to).concat(from)));
  }
  return outputs;
}

}  // namespace keratin::detail
