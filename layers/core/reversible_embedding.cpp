#include "keratin/layers/core/reversible_embedding.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/embedding_layer.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

EmbeddingOptions embedding_options(const ReversibleEmbeddingOptions& o) {
  return {.embeddings_initializer = o.embeddings_initializer,
          .embeddings_regularizer = o.embeddings_regularizer,
          .embeddings_constraint = o.embeddings_constraint,
          .mask_zero = o.mask_zero,
          .name = o.name,
          .trainable = o.trainable};
}

class ReversibleEmbeddingLayer final : public detail::EmbeddingLayer {
 public:
  ReversibleEmbeddingLayer(std::int64_t input_dim, std::int64_t output_dim, const ReversibleEmbeddingOptions& options)
      : EmbeddingLayer("ReversibleEmbedding", input_dim, output_dim, embedding_options(options)),
        tied_(options.tie_weights),
        cap_(options.logit_soft_cap) {
    if (cap_ && !(*cap_ > 0)) {
      throw InvalidArgument("ReversibleEmbedding: logit_soft_cap must be positive, got " + format_number(*cap_));
    }
  }

  Config config() const override {
    return EmbeddingLayer::config()
        .set("tie_weights", tied_)
        .set("reverse_dtype", {})
        .set("logit_soft_cap", cap_ ? ConfigValue(*cap_) : ConfigValue());
  }

  bool is_reversible() const override { return true; }

  using EmbeddingLayer::call;
  Value call(Value x, CallContext& context) override {
    if (!context.options().reverse) return EmbeddingLayer::call(x, context);
    detail::require_rank_from(x.shape(), 2, "(n, ..., output_dim)");
    detail::require_size(x.shape(), -1, "elements of a vector", output_dim());
    context.set_mask({});
    x = op_support::to_floating(x);
    const Value logits = tied_ ? ops::matmul(x, embeddings(), {.transpose_b = true}) : ops::matmul(x, reverse_);
    return cap_ ? ops::tanh(logits / *cap_) * *cap_ : logits;
  }

 protected:
  using EmbeddingLayer::build;
  void build(const Shape& input) override {
    EmbeddingLayer::build(input);
    if (!tied_) reverse_ = add_table("reverse_embeddings", {output_dim(), input_dim()});
  }

 private:
  bool tied_;
  std::optional<double> cap_;
  Variable reverse_;
};

}  // namespace

ReversibleEmbedding::ReversibleEmbedding(std::int64_t input_dim, std::int64_t output_dim,
                                         const ReversibleEmbeddingOptions& options)
    : Layer(std::make_shared<ReversibleEmbeddingLayer>(input_dim, output_dim, options)) {}

Layer ReversibleEmbedding::from_config(ConfigReader& c) {
  const std::int64_t input_dim = c.integer("input_dim"), output_dim = c.integer("output_dim");
  EmbeddingOptions common = detail::read_embedding_options(c);
  c.expect("reverse_dtype", {"float32", {}});
  return ReversibleEmbedding(input_dim, output_dim,
                             {.tie_weights = c.boolean("tie_weights", true),
                              .embeddings_initializer = common.embeddings_initializer,
                              .embeddings_regularizer = common.embeddings_regularizer,
                              .embeddings_constraint = common.embeddings_constraint,
                              .mask_zero = common.mask_zero,
                              .logit_soft_cap = c.optional_number("logit_soft_cap"),
                              .name = common.name,
                              .trainable = common.trainable});
}

}  // namespace keratin
