// ReversibleEmbedding: vectors for ids, and numbers for all ids from a vector (keras.layers.ReversibleEmbedding).
#pragma once

#include <optional>
#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct ReversibleEmbeddingOptions {
  bool tie_weights = true;  // both directions have one table
  Initializer embeddings_initializer = "uniform";
  Regularizer embeddings_regularizer = {};
  Constraint embeddings_constraint = {};
  bool mask_zero = false;                     // id 0 means "nothing here": layers behind that use masks skip it
  std::optional<double> logit_soft_cap = {};  // y = cap·tanh(y / cap) in the reverse direction
  std::string name = {};
  bool trainable = true;
};

// layer(ids): as Embedding.   layer(x, {.reverse = true}): x (..., output_dim) -> logits (..., input_dim), the products
// with the table's rows.
// Weights: embeddings (input_dim, output_dim) and, unless they are tied, reverse_embeddings (output_dim, input_dim).
class ReversibleEmbedding : public Layer {
 public:
  // Throws InvalidArgument unless both sizes and logit_soft_cap are positive.
  ReversibleEmbedding(std::int64_t input_dim, std::int64_t output_dim, const ReversibleEmbeddingOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
