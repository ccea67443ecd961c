// Attention: one query, one answer, without projections (keras.layers.Attention, keras.layers.AdditiveAttention).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct AttentionOptions {
  bool use_scale = false;          // scores are multiplied by a trained number, which begins as 1
  std::string score_mode = "dot";  // or "concat"
  double dropout = 0.0;            // of the weights, in training
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  bool trainable = true;
};

// y = softmax(scores)·value, with scores query·keyᵀ ("dot"; Luong) or concat_score_weight·sum(tanh(scale·(query +
// key))) over features ("concat"). `layer({query, value})` or `layer({query, value, key})`: query (n, T, f), value (n,
// S, ...), key (n, S, f) -> y (n, T, ...). Masked positions of the value have no share; masked ones of the query become
// 0. With
// `{.use_causal_mask = true}` no position looks at later ones; with `{.return_attention_scores = true}` the second
// output of `layer.call(...)` is softmax(scores) (n, T, S).
class Attention : public Layer {
 public:
  // Throws InvalidArgument for another score_mode and a dropout outside [0, 1].
  explicit Attention(AttentionOptions options = {});
  static Layer from_config(ConfigReader& c);
};

struct AdditiveAttentionOptions {
  bool use_scale = true;  // features are weighted by a trained vector
  double dropout = 0.0;   // of the weights, in training
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  bool trainable = true;
};

// The same with scores sum(scale·tanh(query + key)) over features (Bahdanau). Weight: scale (f,).
class AdditiveAttention : public Layer {
 public:
  explicit AdditiveAttention(AdditiveAttentionOptions options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
