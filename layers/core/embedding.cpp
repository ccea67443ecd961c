#include "keratin/layers/core/embedding.h"

#include "keratin/layers/detail/embedding_layer.h"

namespace keratin {

Embedding::Embedding(std::int64_t input_dim, std::int64_t output_dim, EmbeddingOptions options)
    : Layer(std::make_shared<detail::EmbeddingLayer>("Embedding", input_dim, output_dim, std::move(options))) {}

Layer Embedding::from_config(ConfigReader& c) {
  const std::int64_t input_dim = c.integer("input_dim"), output_dim = c.integer("output_dim");
  return Embedding(input_dim, output_dim, detail::read_embedding_options(c));
}

}  // namespace keratin
