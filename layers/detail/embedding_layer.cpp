#include "keratin/layers/detail/embedding_layer.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/gather.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin::detail {

EmbeddingLayer::EmbeddingLayer(const std::string& class_name, std::int64_t input_dim, std::int64_t output_dim,
                               EmbeddingOptions options)
    : LayerImpl(class_name, options.name, options.trainable),
      input_dim_(input_dim),
      output_dim_(output_dim),
      options_(std::move(options)) {
  require_positive(class_name, "input_dim", input_dim_);
  require_positive(class_name, "output_dim", output_dim_);
}

Config EmbeddingLayer::config() const {
  return LayerImpl::config()
      .set("input_dim", input_dim_)
      .set("output_dim", output_dim_)
      .set("embeddings_initializer", options_.embeddings_initializer.config())
      .set("embeddings_regularizer", options_.embeddings_regularizer.config())
      .set("activity_regularizer", {})
      .set("embeddings_constraint", options_.embeddings_constraint.config())
      .set("mask_zero", options_.mask_zero);
}

Value EmbeddingLayer::call(Value ids, CallContext& context) {
  if (options_.mask_zero) context.set_mask(ops::not_equal(ids, 0.0));
  return ops::take(embeddings_, ids);
}

void EmbeddingLayer::build(const Shape&) {
  embeddings_ = add_weight("embeddings", {input_dim_, output_dim_},
                           {.initializer = options_.embeddings_initializer,
                            .regularizer = options_.embeddings_regularizer,
                            .constraint = options_.embeddings_constraint});
}

Variable EmbeddingLayer::add_table(const std::string& name, const Shape& shape) {
  return add_weight(name, shape, {.initializer = options_.embeddings_initializer});
}

EmbeddingOptions read_embedding_options(ConfigReader& c) {
  c.ignore("input_length");  // Keras 2's
  return {.embeddings_initializer = c.initializer("embeddings_initializer", "uniform"),
          .embeddings_regularizer = c.regularizer("embeddings_regularizer"),
          .embeddings_constraint = c.constraint("embeddings_constraint"),
          .mask_zero = c.boolean("mask_zero", false),
          .name = c.name(),
          .trainable = c.trainable()};
}

}  // namespace keratin::detail
