// Embedding: a trained vector for each id (keras.layers.Embedding).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct EmbeddingOptions {
  Initializer embeddings_initializer = "uniform";
  Regularizer embeddings_regularizer = {};
  Constraint embeddings_constraint = {};
  bool mask_zero = false;  // id 0 means "nothing here": layers behind that use masks skip it
  std::string name = {};
  bool trainable = true;
};

// x: any shape, ids in [0, input_dim), integers or whole floats -> y: (x's shape..., output_dim).
// Weights: embeddings (input_dim, output_dim). An id outside the range gives zeros.
class Embedding : public Layer {
 public:
  // Throws InvalidArgument unless both are positive.
  explicit Embedding(std::int64_t input_dim, std::int64_t output_dim, EmbeddingOptions options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
