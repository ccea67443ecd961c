#include "keratin/layers/convolutional/conv2d.h"

#include "keratin/core/ops/conv.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class Conv2DLayer final : public LayerImpl {
 public:
  Conv2DLayer(std::int64_t filters, Size2D kernel_size, Conv2DOptions options)
      : LayerImpl("Conv2D", options.name, options.trainable),
        filters_(filters),
        kernel_size_(kernel_size),
        options_(std::move(options)) {
    detail::require_positive("Conv2D", "filters", filters_);
    detail::require_positive("Conv2D", "kernel_size", kernel_size_);
    detail::require_positive("Conv2D", "strides", options_.strides);
    detail::require_padding_word("Conv2D", options_.padding);
    detail::require_positive("Conv2D", "dilation_rate", options_.dilation_rate);
    detail::require_positive("Conv2D", "groups", options_.groups);
    if (filters_ % options_.groups != 0) {
      throw InvalidArgument("Conv2D: groups must divide filters, got groups " + std::to_string(options_.groups) +
                            " and filters " + std::to_string(filters_));
    }
    if (options_.strides != Size2D(1) && options_.dilation_rate != Size2D(1)) {
      throw InvalidArgument("Conv2D: strides and dilation_rate cannot both differ from 1; Keras has no such layer");
    }
  }

  Config config() const override {
    Config config = LayerImpl::config();
    if (options_.activity_regularizer) config.set("activity_regularizer", options_.activity_regularizer.config());
    config.set("filters", filters_)
        .set("kernel_size", kernel_size_.array())
        .set("strides", options_.strides.array())
        .set("padding", options_.padding)
        .set("data_format", "channels_last")
        .set("dilation_rate", options_.dilation_rate.array())
        .set("groups", options_.groups)
        .set("activation", options_.activation.name())
        .set("use_bias", options_.use_bias)
        .set("kernel_initializer", options_.kernel_initializer.config())
        .set("bias_initializer", options_.bias_initializer.config())
        .set("kernel_regularizer", options_.kernel_regularizer.config())
        .set("bias_regularizer", options_.bias_regularizer.config());
    if (!options_.activity_regularizer) config.set("activity_regularizer", {});
    return config.set("kernel_constraint", options_.kernel_constraint.config())
        .set("bias_constraint", options_.bias_constraint.config());
  }

  Value call(Value x, CallContext& context) override {
    Conv2DAttrs attrs;
    attrs.strides = options_.strides.array();
    attrs.dilation = options_.dilation_rate.array();
    attrs.groups = options_.groups;
    attrs.padding = resolve_padding(options_.padding, {x.shape()[1], x.shape()[2]}, kernel_size_.array(), attrs.strides,
                                    attrs.dilation);
    Value y = ops::conv2d(op_support::to_floating(x), kernel_, attrs);
    if (options_.use_bias) y = y + bias_;
    y = options_.activation(y);
    detail::add_activity_loss(options_.activity_regularizer, y, context);
    return y;
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    detail::require_rank(input, 4, "(n, h, w, c)");
    detail::require_size(input, -1, "channels", built() ? input_shapes()[0][-1] : kUnknown);
    if (input[-1] % options_.groups != 0) {
      throw InvalidArgument("groups must divide the channels, got groups " + std::to_string(options_.groups) +
                            " and an input of shape " + input.to_string());
    }
  }

  void build(const Shape& input) override {
    kernel_ = add_weight("kernel", {kernel_size_.height, kernel_size_.width, input[-1] / options_.groups, filters_},
                         {.initializer = options_.kernel_initializer,
                          .regularizer = options_.kernel_regularizer,
                          .constraint = options_.kernel_constraint});
    if (!options_.use_bias) return;
    bias_ = add_weight("bias", {filters_},
                       {.initializer = options_.bias_initializer,
                        .regularizer = options_.bias_regularizer,
                        .constraint = options_.bias_constraint});
  }

 private:
  std::int64_t filters_;
  Size2D kernel_size_;
  Conv2DOptions options_;
  Variable kernel_, bias_;
};

}  // namespace

Conv2D::Conv2D(std::int64_t filters, Size2D kernel_size, Conv2DOptions options)
    : Layer(std::make_shared<Conv2DLayer>(filters, kernel_size, std::move(options))) {}

Layer Conv2D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const std::int64_t filters = c.integer("filters");
  const Size2D kernel_size = detail::read_size2d(c, "kernel_size");
  return Conv2D(filters, kernel_size,
                {.strides = detail::read_size2d(c, "strides", 1),
                 .padding = c.text("padding", "valid"),
                 .dilation_rate = detail::read_size2d(c, "dilation_rate", 1),
                 .groups = c.integer("groups", 1),
                 .activation = c.activation("activation"),
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
