#include "keratin/layers/core/embedding.h"

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/gather.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class EmbeddingLayer final : public LayerImpl {
 public:
  EmbeddingLayer(std::int64_t input_dim, std::int64_t output_dim, EmbeddingOptions options)
      : LayerImpl("Embedding", options.name, options.trainable),
        input_dim_(input_dim),
        output_dim_(output_dim),
        options_(std::move(options)) {
    detail::require_positive("Embedding", "input_dim", input_dim_);
    detail::require_positive("Embedding", "output_dim", output_dim_);
  }

  Config config() const override {
    return LayerImpl::config()
        .set("input_dim", input_dim_)
        .set("output_dim", output_dim_)
        .set("embeddings_initializer", options_.embeddings_initializer.config())
        .set("embeddings_regularizer", options_.embeddings_regularizer.config())
        .set("activity_regularizer", {})
        .set("embeddings_constraint", options_.embeddings_constraint.config())
        .set("mask_zero", options_.mask_zero);
  }

  std::int64_t index_limit() const override { return input_dim_; }

  bool supports_masking() const override { return options_.mask_zero; }

  Value call(Value ids, CallContext& context) override {
    if (options_.mask_zero) context.set_mask(ops::not_equal(ids, 0.0));
    return ops::take(embeddings_, ids);
  }

 protected:
  void build(const Shape&) override {
    embeddings_ = add_weight("embeddings", {input_dim_, output_dim_},
                             {.initializer = options_.embeddings_initializer,
                              .regularizer = options_.embeddings_regularizer,
                              .constraint = options_.embeddings_constraint});
  }

 private:
  std::int64_t input_dim_, output_dim_;
  EmbeddingOptions options_;
  Variable embeddings_;
};

}  // namespace

Embedding::Embedding(std::int64_t input_dim, std::int64_t output_dim, EmbeddingOptions options)
    : Layer(std::make_shared<EmbeddingLayer>(input_dim, output_dim, std::move(options))) {}

Layer Embedding::from_config(ConfigReader& c) {
  const std::int64_t input_dim = c.integer("input_dim"), output_dim = c.integer("output_dim");
  c.ignore("input_length");  // Keras 2's
  return Embedding(input_dim, output_dim,
                   {.embeddings_initializer = c.initializer("embeddings_initializer", "uniform"),
                    .embeddings_regularizer = c.regularizer("embeddings_regularizer"),
                    .embeddings_constraint = c.constraint("embeddings_constraint"),
                    .mask_zero = c.boolean("mask_zero", false),
                    .name = c.name(),
                    .trainable = c.trainable()});
}

}  // namespace keratin
