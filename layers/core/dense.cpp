#include "keratin/layers/core/dense.h"

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class DenseLayer final : public LayerImpl {
 public:
  DenseLayer(std::int64_t units, DenseOptions options)
      : LayerImpl("Dense", options.name, options.trainable), units_(units), options_(std::move(options)) {
    detail::require_positive("Dense", "units", units_);
  }

  Config config() const override {
    Config config = LayerImpl::config();
    if (options_.activity_regularizer) config.set("activity_regularizer", options_.activity_regularizer.config());
    return config.set("units", units_)
        .set("activation", options_.activation.name())
        .set("use_bias", options_.use_bias)
        .set("kernel_initializer", options_.kernel_initializer.config())
        .set("bias_initializer", options_.bias_initializer.config())
        .set("kernel_regularizer", options_.kernel_regularizer.config())
        .set("bias_regularizer", options_.bias_regularizer.config())
        .set("kernel_constraint", options_.kernel_constraint.config())
        .set("bias_constraint", options_.bias_constraint.config());
  }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext& context) override {
    Value y = ops::matmul(x, kernel_);
    if (options_.use_bias) y = y + bias_;
    y = options_.activation(y);
    detail::add_activity_loss(options_.activity_regularizer, y, context);
    return y;
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank_from(inputs[0], 2, "(n, ..., features)");
    detail::require_size(inputs[0], -1, "features", built() ? kernel_.shape()[0] : kUnknown);
  }

  void build(const Shape& input) override {
    kernel_ = add_weight("kernel", {input[-1], units_},
                         {.initializer = options_.kernel_initializer,
                          .regularizer = options_.kernel_regularizer,
                          .constraint = options_.kernel_constraint});
    if (!options_.use_bias) return;
    bias_ = add_weight("bias", {units_},
                       {.initializer = options_.bias_initializer,
                        .regularizer = options_.bias_regularizer,
                        .constraint = options_.bias_constraint});
  }

 private:
  std::int64_t units_;
  DenseOptions options_;
  Variable kernel_, bias_;
};

}  // namespace

Dense::Dense(std::int64_t units, DenseOptions options)
    : Layer(std::make_shared<DenseLayer>(units, std::move(options))) {}

Layer Dense::from_config(ConfigReader& c) {
  const std::int64_t units = c.integer("units");
  return Dense(units, {.activation = c.activation("activation"),
                       .use_bias = c.boolean("use_bias", true),
                       .kernel_initializer = c.initializer("kernel_initializer", "glorot_uniform"),
                       .bias_initializer = c.initializer("bias_initializer", "zeros"),
                       .kernel_regularizer = c.regularizer("kernel_regularizer"),
                       .bias_regularizer = c.regularizer("bias_regularizer"),
                       .activity_regularizer = c.regularizer("activity_regularizer"),
                       .kernel_constraint = c.constraint("kernel_constraint"),
                       .bias_constraint = c.constraint("bias_constraint"),
                       .name = c.name(),
                       .trainable = c.trainable()});
}

}  // namespace keratin
