// GroupQueryAttention (keras.layers.GroupQueryAttention).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct GroupQueryAttentionOptions {
  double dropout = 0.0;                             // of the attention's weights, in training
  bool use_bias = true;                             // in all projections
  std::optional<std::int64_t> sliding_window = {};  // positions look at those nearer than this only
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};  // of each projection
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  bool use_gate = false;  // multiplies what the heads see by sigmoid(query·kernel + bias), before the last projection
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  bool trainable = true;
};

// MultiHeadAttention whose heads share keys and values, in groups of num_query_heads / num_key_value_heads (Ainslie et
// al., 2023). Called as MultiHeadAttention, on inputs of rank 3.
class GroupQueryAttention : public Layer {
 public:
  // Throws InvalidArgument for sizes that are not positive, numbers of heads of which the second does not divide the
  // first, and a dropout outside [0, 1].
  GroupQueryAttention(std::int64_t head_dim, std::int64_t num_query_heads, std::int64_t num_key_value_heads,
                      GroupQueryAttentionOptions options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
