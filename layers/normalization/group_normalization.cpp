#include "keratin/layers/normalization/group_normalization.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class GroupNormalizationLayer final : public LayerImpl {
 public:
  explicit GroupNormalizationLayer(const GroupNormalizationOptions& options)
      : LayerImpl("GroupNormalization", options.name, options.trainable), options_(options) {
    if (options_.groups != -1) detail::require_positive("GroupNormalization", "groups", options_.groups);
    detail::require_epsilon("GroupNormalization", options_.epsilon);
  }

  Config config() const override {
    return LayerImpl::config()
        .set("groups", options_.groups)
        .set("axis", options_.axis)
        .set("epsilon", options_.epsilon)
        .set("center", options_.center)
        .set("scale", options_.scale)
        .set("beta_initializer", options_.beta_initializer.config())
        .set("gamma_initializer", options_.gamma_initializer.config())
        .set("beta_regularizer", options_.beta_regularizer.config())
        .set("gamma_regularizer", options_.gamma_regularizer.config())
        .set("beta_constraint", options_.beta_constraint.config())
        .set("gamma_constraint", options_.gamma_constraint.config());
  }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext&) override {
    x = op_support::to_floating(x);
    const Shape shape = x.shape();
    const int axis = shape.normalize_axis(options_.axis);
    const std::int64_t features = shape[axis], groups = groups_of(features);
    const Value grouped = ops::reshape(
        x, shape.slice(0, axis).concat({groups, features / groups}).concat(shape.slice(axis + 1, shape.rank())));
    std::vector<int> axes;
    for (int i = 1; i < grouped.rank(); ++i) {
      if (i != axis) axes.push_back(i);
    }
    const Value centered = grouped - ops::mean(grouped, axes, true);
    const Value variance = ops::mean(ops::square(centered), axes, true);
    Value y = ops::reshape(centered * ops::rsqrt(variance + options_.epsilon), shape);
    if (options_.scale) y = y * detail::along_axes(gamma_, {axis}, shape.rank());
    if (options_.center) y = y + detail::along_axes(beta_, {axis}, shape.rank());
    return y;
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    detail::require_rank_from(input, 2, "(n, ..., features)");
    const int axis = detail::resolve_axes(options_.axis, input)[0];
    if (axis == 0) throw InvalidArgument("axis 0 is the batch, which cannot be grouped");
    detail::require_size(input, axis, "features", built() ? input_shapes()[0][options_.axis] : kUnknown);
    if (input[axis] % groups_of(input[axis]) != 0) {
      throw InvalidArgument("groups must divide the features, got groups " + std::to_string(options_.groups) +
                            " and an input of shape " + input.to_string());
    }
  }

  void build(const Shape& input) override {
    const Shape features{input[options_.axis]};
    if (options_.scale) {
      gamma_ = add_weight("gamma", features,
                          {.initializer = options_.gamma_initializer,
                           .regularizer = options_.gamma_regularizer,
                           .constraint = options_.gamma_constraint});
    }
    if (options_.center) {
      beta_ = add_weight("beta", features,
                         {.initializer = options_.beta_initializer,
                          .regularizer = options_.beta_regularizer,
                          .constraint = options_.beta_constraint});
    }
  }

 private:
  std::int64_t groups_of(std::int64_t features) const { return options_.groups == -1 ? features : options_.groups; }

  GroupNormalizationOptions options_;
  Variable gamma_, beta_;
};

}  // namespace

GroupNormalization::GroupNormalization(const GroupNormalizationOptions& options)
    : Layer(std::make_shared<GroupNormalizationLayer>(options)) {}

Layer GroupNormalization::from_config(ConfigReader& c) {
  return GroupNormalization({.groups = c.integer("groups", 32),
                             .axis = c.small_integer("axis", -1),
                             .epsilon = c.number("epsilon", 1e-3),
                             .center = c.boolean("center", true),
                             .scale = c.boolean("scale", true),
                             .beta_initializer = c.initializer("beta_initializer", "zeros"),
                             .gamma_initializer = c.initializer("gamma_initializer", "ones"),
                             .beta_regularizer = c.regularizer("beta_regularizer"),
                             .gamma_regularizer = c.regularizer("gamma_regularizer"),
                             .beta_constraint = c.constraint("beta_constraint"),
                             .gamma_constraint = c.constraint("gamma_constraint"),
                             .name = c.name(),
                             .trainable = c.trainable()});
}

}  // namespace keratin
