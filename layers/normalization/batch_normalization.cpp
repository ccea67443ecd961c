#include "keratin/layers/normalization/batch_normalization.h"

#include <tuple>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/scaled_normalization.h"

namespace keratin {
namespace {

class BatchNormalizationLayer final : public detail::ScaledNormalization<BatchNormalizationOptions> {
 public:
  explicit BatchNormalizationLayer(BatchNormalizationOptions options)
      : ScaledNormalization("BatchNormalization", std::move(options)) {
    detail::require_rate("BatchNormalization", "momentum", this->options().momentum);
  }

  Config config() const override {
    Config config = LayerImpl::config();
    config.set("axis", options().axis).set("momentum", options().momentum);
    add_first_arguments(config);
    config.set("moving_mean_initializer", options().moving_mean_initializer.config());
    config.set("moving_variance_initializer", options().moving_variance_initializer.config());
    add_last_arguments(config);
    return config.set("synchronized", false);
  }

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
    Value factor = ops::rsqrt(variance + options().epsilon);
    if (options().scale) factor = factor * gamma();
    Value shift = -mean * factor;
    if (options().center) shift = shift + beta();
    return x * along_axis(factor, x.shape()) + along_axis(shift, x.shape());
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    detail::require_rank_from(input, 2, "(n, ..., features)");
    detail::resolve_axes(options().axis, input);
    if (built() && input.rank() != input_shapes()[0].rank()) {
      throw InvalidArgument("it was built for inputs of shape " + input_shapes()[0].to_string() + ", got " +
                            input.to_string());
    }
    detail::require_size(input, options().axis, "features", built() ? moving_mean_.shape()[0] : kUnknown);
  }

  void build(const Shape& input) override {
    const Shape features{input[options().axis]};
    add_gamma_and_beta(features);
    moving_mean_ =
        add_weight("moving_mean", features, {.initializer = options().moving_mean_initializer, .trainable = false});
    moving_variance_ = add_weight("moving_variance", features,
                                  {.initializer = options().moving_variance_initializer, .trainable = false});
  }

 private:
  std::vector<int> other_axes(const Shape& shape) const {
    std::vector<int> axes;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (axis != shape.normalize_axis(options().axis)) axes.push_back(axis);
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
    const int after = shape.rank() - 1 - shape.normalize_axis(options().axis);
    if (after == 0) return features;
    return ops::reshape(features,
                        features.shape().concat(Shape(std::vector<std::int64_t>(static_cast<std::size_t>(after), 1))));
  }

  void update(const Variable& variable, const Value& moving, const Value& batch, CallContext& context) const {
    const Value next = moving * options().momentum + batch * (1 - options().momentum);
    context.assign(variable, ops::cast(next, variable.dtype()));
  }

  Variable moving_mean_, moving_variance_;
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
  auto options = detail::read_scaled_options<BatchNormalizationOptions>(c);
  options.axis = axis.list().empty() ? -1 : axis.list().front();
  options.momentum = c.number("momentum", 0.99);
  options.moving_mean_initializer = c.initializer("moving_mean_initializer", "zeros");
  options.moving_variance_initializer = c.initializer("moving_variance_initializer", "ones");
  return BatchNormalization(std::move(options));
}

}  // namespace keratin
