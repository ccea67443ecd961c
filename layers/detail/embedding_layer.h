// What Embedding and ReversibleEmbedding share: a trained table of vectors.
#pragma once

#include <string>

#include "keratin/core/model/config_reader.h"
#include "keratin/layers/core/embedding.h"

namespace keratin::detail {

class EmbeddingLayer : public LayerImpl {
 public:
  // Throws InvalidArgument, naming `class_name`, unless both sizes are positive.
  EmbeddingLayer(const std::string& class_name, std::int64_t input_dim, std::int64_t output_dim,
                 EmbeddingOptions options);

  Config config() const override;
  std::int64_t index_limit() const override { return input_dim_; }
  bool supports_masking() const override { return options_.mask_zero; }
  using LayerImpl::call;
  Value call(Value ids, CallContext& context) override;

 protected:
  using LayerImpl::build;
  void build(const Shape& input) override;
  // Also the table in the other direction: made as this one is, without its regulariser and constraint.
  Variable add_table(const std::string& name, const Shape& shape);
  std::int64_t input_dim() const { return input_dim_; }
  std::int64_t output_dim() const { return output_dim_; }
  const Variable& embeddings() const { return embeddings_; }

 private:
  std::int64_t input_dim_, output_dim_;
  EmbeddingOptions options_;
  Variable embeddings_;
};

EmbeddingOptions read_embedding_options(ConfigReader& c);

}  // namespace keratin::detail
