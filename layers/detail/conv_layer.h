// What the convolution layers share: their arguments, for any number of spatial axes, and the layers made of these.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/layer.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/conv_nd.h"

namespace keratin::detail {

// What a weight is made by. `word` begins its arguments: "kernel" those of kernel_initializer.
struct ConvWeight {
  std::string word;
  Initializer initializer = "zeros";
  Regularizer regularizer = {};
  Constraint constraint = {};
};

struct ConvArguments {
  std::string class_name;
  // Those that the class has; config() writes these only.
  std::optional<std::int64_t> filters = {}, groups = {}, depth_multiplier = {};
  Windows windows = {};
  std::string padding = {};
  std::optional<Sizes> output_padding = {};
  ActivationFunction activation = {};
  bool use_bias = true;
  std::vector<ConvWeight> kernels = {};
  ConvWeight bias = {.word = "bias"};
  Regularizer activity_regularizer = {};
  std::string name = {};
  bool trainable = true;
};

// All throw InvalidArgument, with the class's name, for arguments that make no sense.
std::shared_ptr<LayerImpl> make_conv(ConvArguments arguments);
std::shared_ptr<LayerImpl> make_conv_transpose(ConvArguments arguments);
std::shared_ptr<LayerImpl> make_depthwise_conv(ConvArguments arguments);
std::shared_ptr<LayerImpl> make_separable_conv(ConvArguments arguments);

// The arguments in the options of a class; kernel_size and the options' sizes are numbers, Size2D or Size3D.
template <class Size, class Options>
ConvArguments conv_arguments(std::string class_name, Size kernel_size, const Options& o) {
  ConvArguments a{.class_name = std::move(class_name)};
  a.windows = {sizes_of(kernel_size), sizes_of(o.strides), sizes_of(o.dilation_rate)};
  a.padding = o.padding;
  if constexpr (requires { o.groups; }) a.groups = o.groups;
  if constexpr (requires { o.depth_multiplier; }) a.depth_multiplier = o.depth_multiplier;
  if constexpr (requires { o.output_padding; }) {
    if (o.output_padding) a.output_padding = sizes_of(*o.output_padding);
  }
  a.activation = o.activation;
  a.use_bias = o.use_bias;
  if constexpr (requires { o.kernel_initializer; }) {
    a.kernels.push_back({"kernel", o.kernel_initializer, o.kernel_regularizer, o.kernel_constraint});
  }
  if constexpr (requires { o.depthwise_initializer; }) {
    a.kernels.push_back({"depthwise", o.depthwise_initializer, o.depthwise_regularizer, o.depthwise_constraint});
  }
  if constexpr (requires { o.pointwise_initializer; }) {
    a.kernels.push_back({"pointwise", o.pointwise_initializer, o.pointwise_regularizer, o.pointwise_constraint});
  }
  a.bias = {"bias", o.bias_initializer, o.bias_regularizer, o.bias_constraint};
  a.activity_regularizer = o.activity_regularizer;
  a.name = o.name;
  a.trainable = o.trainable;
  return a;
}

// The options of a class from its configuration.
template <class Options>
Options read_conv_options(ConfigReader& c) {
  Options o;
  expect_channels_last(c);
  read_size(c, "strides", o.strides);
  o.padding = c.text("padding", "valid");
  read_size(c, "dilation_rate", o.dilation_rate);
  if constexpr (requires { o.groups; }) {
    o.groups = c.integer("groups", 1);
  } else {
    c.expect("groups", {1});  // Keras 2 writes it for every convolution
  }
  if constexpr (requires { o.depth_multiplier; }) o.depth_multiplier = c.integer("depth_multiplier", 1);
  if constexpr (requires { o.output_padding; }) {
    const ConfigValue* value = c.take("output_padding");
    if (value && !value->is_null()) read_size(c, "output_padding", o.output_padding.emplace(0));
  }
  o.activation = c.activation("activation");
  o.use_bias = c.boolean("use_bias", true);
  if constexpr (requires { o.kernel_initializer; }) {
    o.kernel_initializer = c.initializer("kernel_initializer", "glorot_uniform");
    o.kernel_regularizer = c.regularizer("kernel_regularizer");
    o.kernel_constraint = c.constraint("kernel_constraint");
  } else {
    for (const char* key : {"kernel_initializer", "kernel_regularizer", "kernel_constraint"}) c.ignore(key);
  }
  if constexpr (requires { o.depthwise_initializer; }) {
    o.depthwise_initializer = c.initializer("depthwise_initializer", "glorot_uniform");
    o.depthwise_regularizer = c.regularizer("depthwise_regularizer");
    o.depthwise_constraint = c.constraint("depthwise_constraint");
  }
  if constexpr (requires { o.pointwise_initializer; }) {
    o.pointwise_initializer = c.initializer("pointwise_initializer", "glorot_uniform");
    o.pointwise_regularizer = c.regularizer("pointwise_regularizer");
    o.pointwise_constraint = c.constraint("pointwise_constraint");
  }
  o.bias_initializer = c.initializer("bias_initializer", "zeros");
  o.bias_regularizer = c.regularizer("bias_regularizer");
  o.bias_constraint = c.constraint("bias_constraint");
  o.activity_regularizer = c.regularizer("activity_regularizer");
  o.name = c.name();
  o.trainable = c.trainable();
  return o;
}

}  // namespace keratin::detail
