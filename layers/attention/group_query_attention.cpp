#include "keratin/layers/attention/group_query_attention.h"

#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/heads_attention.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class GroupQueryAttentionLayer final : public detail::HeadsAttention {
 public:
  explicit GroupQueryAttentionLayer(detail::HeadsArguments arguments)
      : HeadsAttention("GroupQueryAttention", std::move(arguments)) {}

  Config config() const override {
    const auto& a = arguments();
    Config config = LayerImpl::config();
    config.set("head_dim", a.key_dim)
        .set("num_query_heads", a.query_heads)
        .set("num_key_value_heads", a.key_value_heads)
        .set("use_bias", a.use_bias);
    if (a.use_gate) config.set("use_gate", true);                           // older versions of Keras 3 do not know it
    if (a.sliding_window) config.set("sliding_window", *a.sliding_window);  // nor this
    config.set("dropout", a.dropout);
    add_common_config(config);
    return config;
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    HeadsAttention::check_inputs(inputs);
    detail::require_rank(inputs[0], 3, "(n, positions, features)");
  }
};

std::shared_ptr<LayerImpl> make(std::int64_t head_dim, std::int64_t num_query_heads, std::int64_t num_key_value_heads,
                                const GroupQueryAttentionOptions& options) {
  const char* name = "GroupQueryAttention";
  detail::require_positive(name, "head_dim", head_dim);
  detail::require_positive(name, "num_query_heads", num_query_heads);
  detail::require_positive(name, "num_key_value_heads", num_key_value_heads);
  if (num_query_heads % num_key_value_heads != 0) {
    throw InvalidArgument("GroupQueryAttention: num_query_heads must be divisible by num_key_value_heads, got " +
                          std::to_string(num_query_heads) + " and " + std::to_string(num_key_value_heads));
  }
  detail::HeadsArguments arguments = detail::heads_arguments(options);
  arguments.query_heads = num_query_heads;
  arguments.key_value_heads = num_key_value_heads;
  arguments.key_dim = arguments.value_dim = head_dim;
  arguments.prefix = "_";
  return std::make_shared<GroupQueryAttentionLayer>(std::move(arguments));
}

}  // namespace

GroupQueryAttention::GroupQueryAttention(std::int64_t head_dim, std::int64_t num_query_heads,
                                         std::int64_t num_key_value_heads, GroupQueryAttentionOptions options)
    : Layer(make(head_dim, num_query_heads, num_key_value_heads, options)) {}

Layer GroupQueryAttention::from_config(ConfigReader& c) {
  const std::int64_t head_dim = c.integer("head_dim"), queries = c.integer("num_query_heads"),
                     keys = c.integer("num_key_value_heads");
  return GroupQueryAttention(head_dim, queries, keys, detail::read_heads_options<GroupQueryAttentionOptions>(c));
}

}  // namespace keratin
