#include "keratin/layers/attention/multi_head_attention.h"

#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/heads_attention.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class MultiHeadAttentionLayer final : public detail::HeadsAttention {
 public:
  explicit MultiHeadAttentionLayer(detail::HeadsArguments arguments)
      : HeadsAttention("MultiHeadAttention", std::move(arguments)) {}

  Config config() const override {
    const auto& a = arguments();
    Config config = LayerImpl::config();
    config.set("num_heads", a.query_heads)
        .set("key_dim", a.key_dim)
        .set("value_dim", a.value_dim)
        .set("dropout", a.dropout)
        .set("use_bias", a.use_bias);
    if (a.use_gate) config.set("use_gate", true);  // older versions of Keras 3 do not know it
    config.set("output_shape", a.output_shape.rank() > 0 ? ConfigValue(a.output_shape) : ConfigValue())
        .set("attention_axes", a.attention_axes.empty() ? ConfigValue() : ConfigValue(a.attention_axes));
    if (a.sliding_window) config.set("sliding_window", *a.sliding_window);  // nor this
    add_common_config(config);
    return config;
  }
};

bool is_given(ConfigReader& c, std::string_view key) {
  const ConfigValue* value = c.take(key);
  return value && !value->is_null();
}

std::shared_ptr<LayerImpl> make(std::int64_t num_heads, std::int64_t key_dim,
                                const MultiHeadAttentionOptions& options) {
  detail::require_positive("MultiHeadAttention", "num_heads", num_heads);
  detail::require_positive("MultiHeadAttention", "key_dim", key_dim);
  detail::require_positive("MultiHeadAttention", "value_dim", options.value_dim.value_or(1));
  detail::HeadsArguments arguments = detail::heads_arguments(options);
  arguments.query_heads = arguments.key_value_heads = num_heads;
  arguments.key_dim = key_dim;
  arguments.value_dim = options.value_dim.value_or(key_dim);
  arguments.output_shape = options.output_shape;
  arguments.attention_axes = options.attention_axes;
  return std::make_shared<MultiHeadAttentionLayer>(std::move(arguments));
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(std::int64_t num_heads, std::int64_t key_dim, MultiHeadAttentionOptions options)
    : Layer(make(num_heads, key_dim, options)) {}

Layer MultiHeadAttention::from_config(ConfigReader& c) {
  const std::int64_t num_heads = c.integer("num_heads"), key_dim = c.integer("key_dim");
  auto options = detail::read_heads_options<MultiHeadAttentionOptions>(c);
  if (is_given(c, "value_dim")) options.value_dim = c.integer("value_dim");
  if (is_given(c, "output_shape")) options.output_shape = Shape(c.integers("output_shape"));
  if (is_given(c, "attention_axes")) options.attention_axes = detail::read_small_integers(c, "attention_axes");
  return MultiHeadAttention(num_heads, key_dim, options);
}

}  // namespace keratin
