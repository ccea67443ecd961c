// MultiHeadAttention (keras.layers.MultiHeadAttention).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "keratin/core/model/layer.h"

namespace keratin {

struct MultiHeadAttentionOptions {
  std::optional<std::int64_t> value_dim = {};       // of each head; key_dim unless given
  double dropout = 0.0;                             // of the attention's weights, in training
  bool use_bias = true;                             // in all projections
  Shape output_shape = {};                          // instead of the query's last axis
  std::vector<int> attention_axes = {};             // the axes of positions; empty: all but the first and the last
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

// In each head: softmax(Q·Kᵀ / sqrt(key_dim))·V of projections Q, K, V of query, key and value; then a projection of
// all heads side by side (Vaswani et al., 2017).
// `layer({query, value})`, `layer({query, value, key})` or `layer({query, value, key, attention_mask})`; query (n, T,
// f), value and key (n, S, ...) -> y (n, T, f). attention_mask: bool, broadcast to (n, T, S), true where a position of
// the query may look at one of the value. Masks of the inputs count too. With `{.use_causal_mask = true}` no position
// looks at later ones; with `{.return_attention_scores = true}` the second output of `layer.call(...)` is the weights
// (n, num_heads, T, S).
// Weights: kernel (f, num_heads, key_dim) and bias (num_heads, key_dim) of query and key, with value_dim those of the
// gate, if there is one, and the value, and (num_heads, value_dim, f) and (f,) of the output.
class MultiHeadAttention : public Layer {
 public:
  // Throws InvalidArgument for sizes that are not positive and for a dropout outside [0, 1].
  MultiHeadAttention(std::int64_t num_heads, std::int64_t key_dim, MultiHeadAttentionOptions options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
