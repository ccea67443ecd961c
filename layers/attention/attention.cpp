#include "keratin/layers/attention/attention.h"

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/random.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/softmax.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class AttentionLayer final : public LayerImpl {
 public:
  enum class Score { dot, concat, additive };
  AttentionLayer(const std::string& class_name, Score score, const AttentionOptions& options)
      : LayerImpl(class_name, options.name, options.trainable), score_(score), options_(options) {
    detail::require_rate(class_name, "dropout", options.dropout);
  }

  Config config() const override {
    Config config = LayerImpl::config();
    config.set("use_scale", options_.use_scale);
    if (score_ != Score::additive) config.set("score_mode", options_.score_mode);
    config.set("dropout", options_.dropout);
    if (options_.seed) config.set("seed", detail::seed_config(options_.seed));  // older versions do not know it
    return config;
  }

  bool supports_masking() const override { return true; }
  bool is_attention() const override { return true; }

  Values call(std::span<const Value> inputs, CallContext& context) override {
    const Value query = op_support::to_floating(inputs[0]), value = op_support::to_floating(inputs[1]);
    Value scores = scores_of(query, inputs.size() > 2 ? op_support::to_floating(inputs[2]) : value);
    Value mask = context.mask(1) ? ops::expand_dims(context.mask(1), -2) : Value();
    if (context.options().use_causal_mask) {
      const Shape shape = {1, scores.shape()[-2], scores.shape()[-1]};
      const Value causal = ops::greater_equal(ops::iota(shape, 1), ops::iota(shape, 2));
      mask = mask ? ops::logical_and(mask, causal) : causal;
    }
    if (mask) scores = ops::where(mask, scores, scores - 1e9);
    const Value weights = ops::softmax(scores);
    Value used = weights;
    if (context.training() && options_.dropout > 0) {
      used = ops::dropout(weights, context.random_step(), options_.dropout, context.random_stream(options_.seed));
    }
    Value y = ops::matmul(used, value);
    if (context.mask(0)) y = ops::where(ops::expand_dims(context.mask(0), -1), y, 0.0);
    context.set_mask(context.mask(0));
    if (context.options().return_attention_scores) return {y, weights};
    return {y};
  }

 protected:
  int input_count() const override { return -1; }
  void check_inputs(std::span<const Shape> inputs) const override {
    if (inputs.size() < 2 || inputs.size() > 3) {
      throw InvalidArgument("expected query and value, and perhaps key, got " + std::to_string(inputs.size()) +
                            " input" + (inputs.size() == 1 ? "" : "s"));
    }
    for (const Shape& input : inputs) detail::require_rank(input, 3, "(n, positions, features)");
    const std::int64_t query = inputs[0][-1], key = inputs.back()[-1];
    if (query != kUnknown && key != kUnknown && query != key) {
      throw InvalidArgument("query and key must have equally many features, got " + inputs[0].to_string() + " and " +
                            inputs.back().to_string());
    }
    if (score_ == Score::additive && options_.use_scale) {
      detail::require_size(inputs[0], -1, "features", built() ? scale_.shape()[0] : kUnknown);
    }
  }
  using LayerImpl::build;
  void build(std::span<const Shape> inputs) override {
    if (options_.use_scale) {
      const bool vector = score_ == Score::additive;
      scale_ = add_weight("scale", vector ? Shape{inputs[0][-1]} : Shape{},
                          {.initializer = vector ? "glorot_uniform" : "ones"});
    }
    if (score_ == Score::concat) weight_ = add_weight("concat_score_weight", {}, {.initializer = "ones"});
  }

 private:
  Value scores_of(const Value& query, const Value& key) const {
    if (score_ == Score::dot) {
      const Value scores = ops::matmul(query, key, {.transpose_b = true});
      return options_.use_scale ? scores * scale_ : scores;
    }
    const Value sum = ops::expand_dims(query, -2) + ops::expand_dims(key, -3);
    if (score_ == Score::concat) {
      return weight_ * ops::sum(ops::tanh(options_.use_scale ? scale_ * sum : sum), {-1});
    }
    return ops::sum(options_.use_scale ? scale_ * ops::tanh(sum) : ops::tanh(sum), {-1});
  }

  Score score_;
  AttentionOptions options_;
  Variable scale_, weight_;
};

AttentionLayer::Score score_of(const std::string& mode) {
  if (mode == "dot") return AttentionLayer::Score::dot;
  if (mode == "concat") return AttentionLayer::Score::concat;
  throw InvalidArgument("Attention: score_mode must be 'dot' or 'concat', got '" + mode + "'" +
                        did_you_mean(mode, std::vector<std::string>{"dot", "concat"}));
}

}  // namespace

Attention::Attention(AttentionOptions options)
    : Layer(std::make_shared<AttentionLayer>("Attention", score_of(options.score_mode), options)) {}

Layer Attention::from_config(ConfigReader& c) {
  return Attention({.use_scale = c.boolean("use_scale", false),
                    .score_mode = c.text("score_mode", "dot"),
                    .dropout = c.number("dropout", 0.0),
                    .seed = c.seed(),
                    .name = c.name(),
                    .trainable = c.trainable()});
}

AdditiveAttention::AdditiveAttention(AdditiveAttentionOptions options)
    : Layer(std::make_shared<AttentionLayer>("AdditiveAttention", AttentionLayer::Score::additive,
                                             AttentionOptions{.use_scale = options.use_scale,
                                                              .dropout = options.dropout,
                                                              .seed = options.seed,
                                                              .name = options.name,
                                                              .trainable = options.trainable})) {}

Layer AdditiveAttention::from_config(ConfigReader& c) {
  return AdditiveAttention({.use_scale = c.boolean("use_scale", true),
                            .dropout = c.number("dropout", 0.0),
                            .seed = c.seed(),
                            .name = c.name(),
                            .trainable = c.trainable()});
}

}  // namespace keratin
