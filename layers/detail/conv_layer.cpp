#include "keratin/layers/detail/conv_layer.h"

#include <algorithm>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin::detail {
namespace {

bool all_are(const Sizes& sizes, std::int64_t number) {
  return std::all_of(sizes.begin(), sizes.end(), [&](std::int64_t size) { return size == number; });
}

class ConvLayer : public LayerImpl {
 public:
  explicit ConvLayer(ConvArguments arguments)
      : LayerImpl(arguments.class_name, arguments.name, arguments.trainable), a_(std::move(arguments)) {
    const std::string& name = a_.class_name;
    if (a_.filters) require_positive(name, "filters", *a_.filters);
    if (a_.depth_multiplier) require_positive(name, "depth_multiplier", *a_.depth_multiplier);
    require_positive(name, "kernel_size", a_.windows.window);
    require_positive(name, "strides", a_.windows.strides);
    require_positive(name, "dilation_rate", a_.windows.dilation);
  }

  Config config() const override {
    Config config = LayerImpl::config();
    if (a_.activity_regularizer) config.set("activity_regularizer", a_.activity_regularizer.config());
    if (a_.depth_multiplier) config.set("depth_multiplier", *a_.depth_multiplier);
    if (a_.filters) config.set("filters", *a_.filters);
    config.set("kernel_size", a_.windows.window).set("strides", a_.windows.strides).set("padding", a_.padding);
    if (transposed()) config.set("output_padding", a_.output_padding);
    config.set("data_format", "channels_last").set("dilation_rate", a_.windows.dilation);
    if (a_.groups) config.set("groups", *a_.groups);
    config.set("activation", a_.activation.name()).set("use_bias", a_.use_bias);
    std::vector<ConvWeight> weights = a_.kernels;
    weights.push_back(a_.bias);
    for (const ConvWeight& w : weights) config.set(w.word + "_initializer", w.initializer.config());
    for (const ConvWeight& w : weights) config.set(w.word + "_regularizer", w.regularizer.config());
    if (!a_.activity_regularizer) config.set("activity_regularizer", {});
    for (const ConvWeight& w : weights) config.set(w.word + "_constraint", w.constraint.config());
    return config;
  }

  Value call(Value x, CallContext& context) override {
    Value y = convolve(op_support::to_floating(x));
    if (a_.use_bias) y = y + bias_;
    y = a_.activation(y);
    add_activity_loss(a_.activity_regularizer, y, context);
    return y;
  }

 protected:
  // Without bias and activation.
  virtual Value convolve(const Value& x) = 0;
  virtual void build_kernels(std::int64_t channels) = 0;
  virtual std::int64_t outputs(std::int64_t) const { return *a_.filters; }
  virtual bool transposed() const { return false; }

  void check_inputs(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    require_spatial_axes(input, a_.windows.window.size());
    require_size(input, -1, "channels", built() ? input_shapes()[0][-1] : kUnknown);
    if (a_.groups && input[-1] % *a_.groups != 0) {
      throw InvalidArgument("groups must divide the channels, got groups " + std::to_string(*a_.groups) +
                            " and an input of shape " + input.to_string());
    }
    if (!transposed()) require_fit(a_.padding, input, a_.windows);
  }

  void build(const Shape& input) override {
    build_kernels(input[-1]);
    if (a_.use_bias) bias_ = make("bias", {outputs(input[-1])}, a_.bias);
  }

  int rank() const { return static_cast<int>(a_.windows.window.size()); }
  const ConvArguments& arguments() const { return a_; }
  static Sizes spatial(const Value& x) {
    const Shape shape = x.shape().slice(1, x.rank() - 1);
    return Sizes(shape.begin(), shape.end());
  }
  // The kernel's spatial axes and two more.
  Shape kernel_shape(std::int64_t from, std::int64_t to) const { return Shape(a_.windows.window).concat({from, to}); }

  Variable make(const std::string& name, const Shape& shape, const ConvWeight& weight) {
    return add_weight(
        name, shape,
        {.initializer = weight.initializer, .regularizer = weight.regularizer, .constraint = weight.constraint});
  }

  void refuse_strides_with_dilation() const {
    if (all_are(a_.windows.strides, 1) || all_are(a_.windows.dilation, 1)) return;
    throw InvalidArgument(a_.class_name +
                          ": strides and dilation_rate cannot both differ from 1; Keras has no such layer");
  }

 private:
  ConvArguments a_;
  Variable bias_;
};

class PlainConv final : public ConvLayer {
 public:
  explicit PlainConv(ConvArguments arguments) : ConvLayer(std::move(arguments)) {
    const ConvArguments& a = ConvLayer::arguments();
    require_padding_word(a.class_name, a.padding, rank() == 1);
    require_positive(a.class_name, "groups", *a.groups);
    if (*a.filters % *a.groups != 0) {
      throw InvalidArgument(a.class_name + ": groups must divide filters, got groups " + std::to_string(*a.groups) +
                            " and filters " + std::to_string(*a.filters));
    }
    refuse_strides_with_dilation();
  }

 protected:
  Value convolve(const Value& x) override {
    const ConvArguments& a = arguments();
    return conv_nd(x, kernel_, a.windows, resolve_ends(a.padding, spatial(x), a.windows), *a.groups);
  }
  void build_kernels(std::int64_t channels) override {
    const ConvArguments& a = arguments();
    kernel_ = make("kernel", kernel_shape(channels / *a.groups, *a.filters), a.kernels[0]);
  }

 private:
  Variable kernel_;
};

class ConvTranspose final : public ConvLayer {
 public:
  explicit ConvTranspose(ConvArguments arguments) : ConvLayer(std::move(arguments)) {
    const ConvArguments& a = ConvLayer::arguments();
    require_padding_word(a.class_name, a.padding);
    refuse_strides_with_dilation();
    for (std::size_t i = 0; a.output_padding && i < a.output_padding->size(); ++i) {
      if ((*a.output_padding)[i] >= 0 && (*a.output_padding)[i] < a.windows.strides[i]) continue;
      throw InvalidArgument(a.class_name +
                            ": output_padding must not be negative and must be smaller than strides, got " +
                            text_of_sizes(*a.output_padding) + " with strides " + text_of_sizes(a.windows.strides));
    }
  }

 protected:
  bool transposed() const override { return true; }

  Value convolve(const Value& x) override {
    Ends padding;
    Sizes size;
    for (std::size_t i = 0; i < arguments().windows.window.size(); ++i) {
      const Axis axis = axis_of(i, spatial(x)[i]);
      padding.before.push_back(axis.before);
      padding.after.push_back(axis.after);
      size.push_back(axis.size);
    }
    return conv_transpose_nd(x, kernel_, arguments().windows, padding, size);
  }
  void build_kernels(std::int64_t channels) override {
    kernel_ = make("kernel", kernel_shape(*arguments().filters, channels), arguments().kernels[0]);
  }

 private:
  // Of the convolution that leads from the output back to the input: the output's size and its padding.
  struct Axis {
    std::int64_t size, before, after;
  };

  // Keras's sizes: "valid": (steps - 1)·stride + max(reach, stride), or + reach + output_padding; "same": steps·stride,
  // or (steps - 1)·stride + reach % 2 + output_padding.
  Axis axis_of(std::size_t i, std::int64_t steps) const {
    const ConvArguments& a = arguments();
    const std::int64_t stride = a.windows.strides[i];
    const std::int64_t reach = (a.windows.window[i] - 1) * a.windows.dilation[i] + 1;
    Axis axis{};
    std::int64_t last = 0;  // what the last step adds
    if (a.padding == "valid") {
      last = a.output_padding ? reach + (*a.output_padding)[i] : std::max(reach, stride);
    } else {
      last = a.output_padding ? reach % 2 + (*a.output_padding)[i] : stride;
      // Computed as a convolution of x with zeros between and around its steps, last + reach - 2 of these lie around
      // it, the larger half before.
      const std::int64_t zeros = last + reach - 2;
      axis.before = reach - 1 - std::min((zeros + 1) / 2, reach - 1);
    }
    axis.size = (steps - 1) * stride + last;
    if (axis.size < 1) {
      throw InvalidArgument("nothing is left of the output for an input of " + std::to_string(steps) +
                            (steps == 1 ? " pixel" : " pixels") + " on axis " + std::to_string(i + 1) +
                            "; use padding 'valid' or a larger output_padding");
    }
    axis.after = std::max<std::int64_t>((steps - 1) * stride + reach - axis.before - axis.size, 0);
    return axis;
  }

  Variable kernel_;
};

// x with each channel convolved by kernels of its own. `kernel`: (spatial..., channels, multiplier), Keras's layout.
Value depthwise(const ConvArguments& a, const Value& x, const Value& kernel, const Sizes& size) {
  const Shape k = kernel.shape();
  const Shape grouped = k.slice(0, k.rank() - 2).concat({1, k[-2] * k[-1]});
  return conv_nd(x, ops::reshape(kernel, grouped), a.windows, resolve_ends(a.padding, size, a.windows), k[-2]);
}

class DepthwiseConv final : public ConvLayer {
 public:
  explicit DepthwiseConv(ConvArguments arguments) : ConvLayer(std::move(arguments)) {
    require_padding_word(ConvLayer::arguments().class_name, ConvLayer::arguments().padding);
  }

 protected:
  std::int64_t outputs(std::int64_t channels) const override { return channels * *arguments().depth_multiplier; }
  Value convolve(const Value& x) override { return depthwise(arguments(), x, kernel_, spatial(x)); }
  void build_kernels(std::int64_t channels) override {
    kernel_ = make("kernel", kernel_shape(channels, *arguments().depth_multiplier), arguments().kernels[0]);
  }

 private:
  Variable kernel_;
};

class SeparableConv final : public ConvLayer {
 public:
  explicit SeparableConv(ConvArguments arguments) : ConvLayer(std::move(arguments)) {
    require_padding_word(ConvLayer::arguments().class_name, ConvLayer::arguments().padding);
  }

 protected:
  Value convolve(const Value& x) override {
    const Sizes ones(arguments().windows.window.size(), 1), zeros(ones.size(), 0);
    const Value y = depthwise(arguments(), x, depthwise_kernel_, spatial(x));
    return conv_nd(y, pointwise_kernel_, {ones, ones, ones}, {zeros, zeros});
  }
  void build_kernels(std::int64_t channels) override {
    const ConvArguments& a = arguments();
    depthwise_kernel_ = make("depthwise_kernel", kernel_shape(channels, *a.depth_multiplier), a.kernels[0]);
    const Shape ones(Sizes(a.windows.window.size(), 1));
    pointwise_kernel_ =
        make("pointwise_kernel", ones.concat({channels * *a.depth_multiplier, *a.filters}), a.kernels[1]);
  }

 private:
  Variable depthwise_kernel_, pointwise_kernel_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_conv(ConvArguments a) { return std::make_shared<PlainConv>(std::move(a)); }
std::shared_ptr<LayerImpl> make_conv_transpose(ConvArguments a) {
  return std::make_shared<ConvTranspose>(std::move(a));
}
std::shared_ptr<LayerImpl> make_depthwise_conv(ConvArguments a) {
  return std::make_shared<DepthwiseConv>(std::move(a));
}
std::shared_ptr<LayerImpl> make_separable_conv(ConvArguments a) {
  return std::make_shared<SeparableConv>(std::move(a));
}

}  // namespace keratin::detail
