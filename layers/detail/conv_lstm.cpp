#include "keratin/layers/detail/conv_lstm.h"

#include <algorithm>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/random.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin::detail {
namespace {

constexpr int kGates = 4;

class ConvLSTMCell final : public RecurrentCell {
 public:
  ConvLSTMCell(const std::string& layer, CellArguments arguments, Windows windows, std::string padding)
      : RecurrentCell("ConvLSTMCell", arguments.name, arguments.trainable),
        a_(std::move(arguments)),
        windows_(std::move(windows)),
        padding_(std::move(padding)) {
    require_positive(layer, "filters", a_.units);
    require_positive(layer, "kernel_size", windows_.window);
    require_positive(layer, "strides", windows_.strides);
    require_positive(layer, "dilation_rate", windows_.dilation);
    require_padding_word(layer, padding_);
    require_rate(layer, "dropout", a_.dropout);
    require_rate(layer, "recurrent_dropout", a_.recurrent_dropout);
    const auto wide = [](const Sizes& sizes) { return *std::max_element(sizes.begin(), sizes.end()) > 1; };
    if (wide(windows_.strides) && wide(windows_.dilation)) {
      throw InvalidArgument(layer + ": strides and dilation_rate cannot both differ from 1; Keras has no such layer");
    }
  }

  void add_to_layer_config(Config& config) const override {
    config.set("filters", a_.units)
        .set("kernel_size", windows_.window)
        .set("strides", windows_.strides)
        .set("padding", padding_)
        .set("data_format", "channels_last")
        .set("dilation_rate", windows_.dilation);
    add_lstm_config(a_, config);
  }

  std::vector<std::int64_t> state_sizes() const override { return {a_.units, a_.units}; }
  std::size_t spatial_axes() const override { return windows_.window.size(); }
  Shape state_shape(std::size_t, const Shape& step) const override {
    Shape shape = step;
    for (std::size_t i = 0; i < spatial_axes(); ++i) {
      std::int64_t& size = shape[static_cast<int>(i) + 1];
      if (size == kUnknown) continue;
      const std::int64_t reach = padding_ == "same" ? 1 : (windows_.window[i] - 1) * windows_.dilation[i] + 1;
      size = (size - reach) / windows_.strides[i] + 1;
    }
    shape[-1] = a_.units;
    return shape;
  }

  Value project(const Value& x, CallContext& context) override {
    // All steps are one batch.
    const bool steps = x.rank() > static_cast<int>(spatial_axes()) + 2;
    const Shape step = steps ? x.shape().slice(1, x.rank()) : x.shape();
    const auto convolved = [&](const Value& values, const Value& kernel) {
      const Value all =
          steps ? ops::reshape(values, Shape{x.shape()[0] * step[0]}.concat(step.slice(1, step.rank()))) : values;
      const Shape spatial = step.slice(1, step.rank() - 1);
      return conv_nd(all, kernel, windows_, resolve_ends(padding_, Sizes(spatial.begin(), spatial.end()), windows_));
    };
    Value y;
    if (!context.training() || a_.dropout == 0) {
      y = convolved(x, kernel_);
    } else {
      Values gates;  // each drops other inputs, the same ones in every step
      for (int gate = 0; gate < kGates; ++gate) {
        gates.push_back(convolved(x * dropped(step, x.dtype(), a_.dropout, context), gate_of(kernel_, gate)));
      }
      y = ops::concatenate(gates);
    }
    if (a_.use_bias) y = y + bias_;
    return steps ? ops::reshape(y, Shape{x.shape()[0], step[0]}.concat(y.shape().slice(1, y.rank()))) : y;
  }

  Values step(const Value& x, const Values& states, CallContext& context) override {
    const Values z = ops::split(x + recurrent(states[0], context), kGates);
    const Value input = a_.recurrent_activation(z[0]), forget = a_.recurrent_activation(z[1]);
    const Value c = forget * states[1] + input * a_.activation(z[2]);
    return {a_.recurrent_activation(z[3]) * a_.activation(c), c};
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    require_spatial_axes(inputs[0], spatial_axes());
    require_size(inputs[0], -1, "channels", built() ? kernel_.shape()[-2] : kUnknown);
    for (std::size_t i = 0; padding_ == "valid" && i < spatial_axes(); ++i) {
      const std::int64_t size = inputs[0][static_cast<int>(i) + 1];
      if (size == kUnknown || size >= (windows_.window[i] - 1) * windows_.dilation[i] + 1) continue;
      throw InvalidArgument("the window of " + text_of_sizes(windows_.window) + " does not fit a step of shape " +
                            inputs[0].to_string() + "; use a smaller one, or padding 'same'");
    }
  }

  using LayerImpl::build;
  void build(std::span<const Shape> inputs) override {
    const Shape window(windows_.window);
    const std::int64_t width = kGates * a_.units;
    kernel_ = add_weight("kernel", window.concat({inputs[0][-1], width}),
                         {.initializer = a_.kernel_initializer,
                          .regularizer = a_.kernel_regularizer,
                          .constraint = a_.kernel_constraint});
    recurrent_kernel_ = add_weight("recurrent_kernel", window.concat({a_.units, width}),
                                   {.initializer = a_.recurrent_initializer,
                                    .regularizer = a_.recurrent_regularizer,
                                    .constraint = a_.recurrent_constraint});
    if (!a_.use_bias) return;
    bias_ =
        add_weight("bias", {width},
                   {.initializer = a_.unit_forget_bias ? with_forget_bias(a_.bias_initializer) : a_.bias_initializer,
                    .regularizer = a_.bias_regularizer,
                    .constraint = a_.bias_constraint});
  }

 private:
  Value recurrent(const Value& h, CallContext& context) const {
    const Sizes ones(spatial_axes(), 1);
    const Windows windows{windows_.window, ones, ones};
    const Shape spatial = h.shape().slice(1, h.rank() - 1);
    const Ends ends = resolve_ends("same", Sizes(spatial.begin(), spatial.end()), windows);
    if (!context.training() || a_.recurrent_dropout == 0) return conv_nd(h, recurrent_kernel_, windows, ends);
    Values gates;
    for (int gate = 0; gate < kGates; ++gate) {
      const Value kept = h * dropped(h.shape(), h.dtype(), a_.recurrent_dropout, context);
      gates.push_back(conv_nd(kept, gate_of(recurrent_kernel_, gate), windows, ends));
    }
    return ops::concatenate(gates);
  }

  Value dropped(const Shape& shape, DType dtype, double rate, CallContext& context) const {
    const Value ones = constant(Tensor::full(shape, 1, dtype));
    return ops::dropout(ones, context.random_step(), rate, context.random_stream(a_.seed));
  }

  Value gate_of(const Variable& kernel, int gate) const {
    std::vector<std::int64_t> begin(static_cast<std::size_t>(kernel.shape().rank()), 0), size(begin.size(), -1);
    begin.back() = gate * a_.units;
    size.back() = a_.units;
    return ops::slice(kernel, begin, size);
  }

  CellArguments a_;
  Windows windows_;
  std::string padding_;
  Variable kernel_, recurrent_kernel_, bias_;
};

}  // namespace

std::shared_ptr<RecurrentCell> make_conv_lstm_cell(const std::string& layer, CellArguments cell, Windows windows,
                                                   const std::string& padding) {
  return std::make_shared<ConvLSTMCell>(layer, std::move(cell), std::move(windows), padding);
}

}  // namespace keratin::detail
