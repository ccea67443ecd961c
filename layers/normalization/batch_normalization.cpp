#include "keratin/layers/normalization/batch_normalization.h"

#include <tuple>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class BatchNormalizationLayer final : public LayerImpl {
 public:
  explicit BatchNormalizationLayer(BatchNormalizationOptions options)
      : LayerImpl("BatchNormalization", options.name, options.trainable), options_(std::move(options)) {
    detail::require_epsilon("BatchNormalization", options_.epsilon);
    if (!(options_.momentum >= 0 && options_.momentum <= 1)) {
      throw InvalidArgument("BatchNormalization: momentum must lie between 0 and 1, got " +
                            format_number(options_.momentum));
    }
  }

  Config config() const override {
    return LayerImpl::config()
        .set("axis", options_.axis)
        .set("momentum", options_.momentum)
        .set("epsilon", options_.epsilon)
        .set("center", options_.center)
        .set("scale", options_.scale)
        .set("beta_initializer", options_.beta_initializer.config())
        .set("gamma_initializer", options_.gamma_initializer.config())
        .set("moving_mean_initializer", options_.moving_mean_initializer.config())
        .set("moving_variance_initializer", options_.moving_variance_initializer.config())
        .set("beta_regularizer", options_.beta_regularizer.config())
        .set("gamma_regularizer", options_.gamma_regularizer.config())
        .set("beta_constraint", options_.beta_constraint.config())
        .set("gamma_constraint", options_.gamma_constraint.config())
        .set("synchronized", false);
  }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext& context) override {
    x = op_support::to_floating(x);
    // Per feature: y = x·factor + shift, two passes over x instead of four.
    Value mean = ops::cast(context.value_of(moving_mean_), x.dtype());
    Value variance = ops::cast(context.value_of(moving_variance_), x.dtype());
    if (context.training() && trainable()) {
      const Value moving_mean = mean, moving_variance = variance;
      const std::vector<int> axes = other_axes(x.shape());
      std::tie(mean, variance) = moments(x, axes, context.mask());
      update(moving_mean_, moving_mean, mean, context);
      update(moving_variance_, moving_variance, variance, context);
    }
    Value factor = ops::rsqrt(variance + options_.epsilon);
    if (options_.scale) factor = factor * gamma_;
    Value shift = -mean * factor;
    if (options_.center) shift = shift + beta_;
    return x * along_axis(factor, x.shape()) + along_axis(shift, x.shape());
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    detail::require_rank_from(input, 2, "(n, ..., features)");
    detail::resolve_axes(options_.axis, input);
    if (built() && input.rank() != input_shapes()[0].rank()) {
      throw InvalidArgument("it was built for inputs of shape " + input_shapes()[0].to_string() + ", got " +
                            input.to_string());
    }
    detail::require_size(input, options_.axis, "features", built() ? moving_mean_.shape()[0] : kUnknown);
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
    moving_mean_ =
        add_weight("moving_mean", features, {.initializer = options_.moving_mean_initializer, .trainable = false});
    moving_variance_ = add_weight("moving_variance", features,
                                  {.initializer = options_.moving_variance_initializer, .trainable = false});
  }

 private:
  std::vector<int> other_axes(const Shape& shape) const {
    std::vector<int> axes;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (axis != shape.normalize_axis(options_.axis)) axes.push_back(axis);
    }
    return axes;
  }

  // Mean and variance of the batch, of what `mask` (all axes of x but the last), if there is one, lets through.
  std::pair<Value, Value> moments(const Value& x, const std::vector<int>& axes, const Value& mask) const {
    if (!mask) {
      const Value mean = ops::mean(x, axes);
      return {mean, ops::mean(ops::square(x - along_axis(mean, x.shape())), axes)};
    }
    if (mask.rank() != x.rank() - 1) {
      throw InvalidArgument("expected a mask with one axis less than its input of shape " + x.shape().to_string() +
                            ", got one of shape " + mask.shape().to_string());
    }
    const Value weight = ops::broadcast_to(ops::cast(ops::expand_dims(mask, -1), x.dtype()), x.shape());
    const Value count = ops::sum(weight, axes) + 1e-7;  // Keras's epsilon
    const Value mean = ops::sum(x * weight, axes) / count;
    const Value difference = (x - along_axis(mean, x.shape())) * weight;
    return {mean, ops::sum(ops::square(difference), axes) / count};
  }

  // A value per feature in a shape that broadcasts to x's.
  Value along_axis(const Value& features, const Shape& shape) const {
    const int after = shape.rank() - 1 - shape.normalize_axis(options_.axis);
    if (after == 0) return features;
    return ops::reshape(features,
                        features.shape().concat(Shape(std::vector<std::int64_t>(static_cast<std::size_t>(after), 1))));
  }

  void update(const Variable& variable, const Value& moving, const Value& batch, CallContext& context) const {
    const Value next = moving * options_.momentum + batch * (1 - options_.momentum);
    context.assign(variable, ops::cast(next, variable.dtype()));
  }

  BatchNormalizationOptions options_;
  Variable gamma_, beta_, moving_mean_, moving_variance_;
};

}  // namespace

BatchNormalization::BatchNormalization(BatchNormalizationOptions options)
    : Layer(std::make_shared<BatchNormalizationLayer>(std::move(options))) {}

Layer BatchNormalization::from_config(ConfigReader& c) {
  c.expect("renorm", {false});
  c.ignore("renorm_clipping");  // without renorm it has no effect, nor has the next one
  c.ignore("renorm_momentum");
  c.expect("synchronized", {false});
  // Keras 2 writes the axis as a list.
  const Axes axis = detail::read_axes(c, "axis", -1);
  if (axis.list().size() != 1) c.problem("axis", "only one axis is supported");
  return BatchNormalization({.axis = axis.list().empty() ? -1 : axis.list().front(),
                             .momentum = c.number("momentum", 0.99),
                             .epsilon = c.number("epsilon", 1e-3),
                             .center = c.boolean("center", true),
                             .scale = c.boolean("scale", true),
                             .beta_initializer = c.initializer("beta_initializer", "zeros"),
                             .gamma_initializer = c.initializer("gamma_initializer", "ones"),
                             .moving_mean_initializer = c.initializer("moving_mean_initializer", "zeros"),
                             .moving_variance_initializer = c.initializer("moving_variance_initializer", "ones"),
                             .beta_regularizer = c.regularizer("beta_regularizer"),
                             .gamma_regularizer = c.regularizer("gamma_regularizer"),
                             .beta_constraint = c.constraint("beta_constraint"),
                             .gamma_constraint = c.constraint("gamma_constraint"),
                             .name = c.name(),
                             .trainable = c.trainable()});
}

}  // namespace keratin
