#include "keratin/layers/normalization/layer_normalization.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class LayerNormalizationLayer final : public LayerImpl {
 public:
  explicit LayerNormalizationLayer(LayerNormalizationOptions options)
      : LayerImpl("LayerNormalization", options.name, options.trainable), options_(std::move(options)) {
    detail::require_epsilon("LayerNormalization", options_.epsilon);
  }

  Config config() const override {
    return LayerImpl::config()
        .set("axis", options_.axis.config())
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
    const std::vector<int> axes = detail::resolve_axes(options_.axis, x.shape());
    const Value centered = x - ops::mean(x, axes, true);
    Value y = centered * ops::rsqrt(ops::mean(ops::square(centered), axes, true) + options_.epsilon);
    if (options_.scale) y = y * detail::along_axes(gamma_, axes, x.rank());
    if (options_.center) y = y + detail::along_axes(beta_, axes, x.rank());
    return y;
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    detail::require_rank_from(input, 2, "(n, ..., features)");
    for (int axis : detail::resolve_axes(options_.axis, input)) {
      detail::require_size(input, axis, "elements on axis " + std::to_string(axis), kUnknown);
    }
    if (built() && features(input) != features(input_shapes()[0])) {
      throw InvalidArgument("it was built for inputs of shape " + input_shapes()[0].to_string() + ", got " +
                            input.to_string());
    }
  }

  void build(const Shape& input) override {
    if (options_.scale) {
      gamma_ = add_weight("gamma", features(input),
                          {.initializer = options_.gamma_initializer,
                           .regularizer = options_.gamma_regularizer,
                           .constraint = options_.gamma_constraint});
    }
    if (options_.center) {
      beta_ = add_weight("beta", features(input),
                         {.initializer = options_.beta_initializer,
                          .regularizer = options_.beta_regularizer,
                          .constraint = options_.beta_constraint});
    }
  }

 private:
  Shape features(const Shape& input) const {
    Shape result;
    for (int axis : detail::resolve_axes(options_.axis, input)) result.push_back(input[axis]);
    return result;
  }

  LayerNormalizationOptions options_;
  Variable gamma_, beta_;
};

}  // namespace

LayerNormalization::LayerNormalization(LayerNormalizationOptions options)
    : Layer(std::make_shared<LayerNormalizationLayer>(std::move(options))) {}

Layer LayerNormalization::from_config(ConfigReader& c) {
  c.expect("rms_scaling", {false});
  return LayerNormalization({.axis = detail::read_axes(c, "axis", -1),
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
