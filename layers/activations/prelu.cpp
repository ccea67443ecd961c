#include "keratin/layers/activations/prelu.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class PReLULayer final : public LayerImpl {
 public:
  explicit PReLULayer(PReLUOptions options)
      : LayerImpl("PReLU", options.name, options.trainable), options_(std::move(options)) {}

  Config config() const override {
    return LayerImpl::config()
        .set("alpha_initializer", options_.alpha_initializer.config())
        .set("alpha_regularizer", options_.alpha_regularizer.config())
        .set("alpha_constraint", options_.alpha_constraint.config())
        .set("shared_axes", options_.shared_axes.empty() ? ConfigValue() : ConfigValue(options_.shared_axes));
  }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext&) override {
    x = op_support::to_floating(x);
    return ops::relu(x) - alpha_ * ops::relu(-x);
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    detail::require_rank_from(input, 2, "(n, ...)");
    for (int axis : options_.shared_axes) {
      if (axis >= 1 && axis < input.rank()) continue;
      throw InvalidArgument("shared_axes must lie between 1 and " + std::to_string(input.rank() - 1) +
                            " for an input of shape " + input.to_string() + ", got " + std::to_string(axis));
    }
    const Shape wanted = alpha_shape(input);
    for (int axis = 0; axis < wanted.rank(); ++axis) {
      if (wanted[axis] == 1) continue;
      detail::require_size(input, axis + 1, "elements on axis " + std::to_string(axis + 1),
                           built() ? alpha_.shape()[axis] : kUnknown);
    }
  }

  void build(const Shape& input) override {
    alpha_ = add_weight("alpha", alpha_shape(input),
                        {.initializer = options_.alpha_initializer,
                         .regularizer = options_.alpha_regularizer,
                         .constraint = options_.alpha_constraint});
  }

 private:
  Shape alpha_shape(const Shape& input) const {
    Shape result = input.slice(1, input.rank());
    for (int axis : options_.shared_axes) result[axis - 1] = 1;
    return result;
  }

  PReLUOptions options_;
  Variable alpha_;
};

}  // namespace

PReLU::PReLU(PReLUOptions options) : Layer(std::make_shared<PReLULayer>(std::move(options))) {}

Layer PReLU::from_config(ConfigReader& c) {
  PReLUOptions options = {.alpha_initializer = c.initializer("alpha_initializer", "zeros"),
                          .alpha_regularizer = c.regularizer("alpha_regularizer"),
                          .alpha_constraint = c.constraint("alpha_constraint"),
                          .shared_axes = {},
                          .name = c.name(),
                          .trainable = c.trainable()};
  const ConfigValue* axes = c.take("shared_axes");
  if (axes && !axes->is_null()) options.shared_axes = detail::read_small_integers(c, "shared_axes");
  return PReLU(std::move(options));
}

}  // namespace keratin
