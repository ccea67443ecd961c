#include "keratin/core/ops/pool.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/windows.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;
using Dy = std::span<const Value>;

std::string text_of_pool(const Pool2DAttrs& a) {
  return "window " + text_of(a.window) + ", strides " + text_of(a.strides) + ", padding " + text_of(a.padding.before) +
         text_of(a.padding.after);
}
std::string describe_pool(const std::any& attrs) { return text_of_pool(as<Pool2DAttrs>(attrs)); }

Shape output_shape(const Pool2DAttrs& a, const Shape& x) {
  const auto size = windowed_size({x[1], x[2]}, a.window, a.strides, a.padding);
  for (std::size_t i = 0; i < 2; ++i) {
    if (a.padding.before[i] >= a.window[i] || a.padding.after[i] >= a.window[i]) {
      throw InvalidArgument("padding " + text_of(a.padding.before) + text_of(a.padding.after) +
                            " must be smaller than the window " + text_of(a.window) +
                            ", or a window would hold nothing but padding");
    }
  }
  return {x[0], size[0], size[1], x[3]};
}

std::vector<Spec> infer_pool(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  expect_floating(inputs[0]);
  expect_rank(inputs[0], 4, "the input (n, h, w, c)");
  return {{output_shape(as<Pool2DAttrs>(attrs), inputs[0].shape), inputs[0].dtype}};
}

std::vector<Spec> infer_max_grad(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 3);
  const std::vector<Spec> result = infer_pool(attrs, inputs.first(1));
  if (inputs[1] != result[0] || inputs[2] != result[0]) {
    throw InvalidArgument("y and dy must be " + result[0].to_string() + ", got " + inputs[1].to_string() + " and " +
                          inputs[2].to_string());
  }
  return {inputs[0]};
}

std::vector<Spec> infer_max_index(const std::any& attrs, std::span<const Spec> inputs) {
  const auto& a = as<Pool2DAttrs>(attrs);
  const std::vector<Spec> result = infer_pool(attrs, inputs);
  if (a.window[0] * a.window[1] > 255) {
    throw InvalidArgument("a window of " + text_of(a.window) + " has more than 255 taps");
  }
  return {result[0], {result[0].shape, DType::uint8}};
}

std::string describe_index_grad(const std::any& attrs) {
  const auto& a = as<MaxPool2DIndexGradAttrs>(attrs);
  return text_of_pool(a.pool) + ", input " + a.input_shape.to_string();
}

std::vector<Spec> infer_index_grad(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 2);
  expect_dtype(inputs[0], DType::uint8, "the taps");
  const auto& a = as<MaxPool2DIndexGradAttrs>(attrs);
  expect_known(a.input_shape, "the input");
  const Spec input{a.input_shape, inputs[1].dtype};
  const Spec output = infer_pool(a.pool, {&input, 1})[0];
  if (inputs[1] != output || inputs[0].shape != output.shape) {
    throw InvalidArgument("dy must be " + output.to_string() + " and the taps of its shape, got " +
                          inputs[1].to_string() + " and " + inputs[0].to_string());
  }
  return {input};
}

std::string describe_conv_pool(const std::any& attrs) {
  const auto& a = as<Conv2DPoolAttrs>(attrs);
  return kConv2DFused.describe(a.conv) + "; " + text_of_pool(a.pool) + (a.index ? ", taps" : "");
}

std::vector<Spec> infer_conv_pool(const std::any& attrs, std::span<const Spec> inputs) {
  const auto& a = as<Conv2DPoolAttrs>(attrs);
  const std::vector<Spec> y = kConv2DFused.infer(a.conv, inputs);
  return a.index ? infer_max_index(a.pool, y) : infer_pool(a.pool, y);
}

Values decompose_conv_pool(const Node& node, std::span<const Value> inputs) {
  const auto& a = node.attrs_as<Conv2DPoolAttrs>();
  const Value y = apply1(kConv2DFused, a.conv, Values(inputs.begin(), inputs.end()));
  return apply(a.index ? kMaxPool2DIndex : kMaxPool2D, a.pool, {y});
}

std::string describe_conv_pool_grad(const std::any& attrs) {
  const auto& a = as<Conv2DPoolKernelGradAttrs>(attrs);
  return kConv2DKernelGrad.describe(a.conv) + "; " + text_of_pool(a.pool);
}

// Of the convolution's results, which are pooled.
Shape shape_between(const Conv2DPoolKernelGradAttrs& a, const Spec& x) {
  return kConv2D.infer(a.conv.conv, std::vector<Spec>{x, {a.conv.kernel_shape, x.dtype}})[0].shape;
}

std::vector<Spec> infer_conv_pool_grad(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 3);
  const auto& a = as<Conv2DPoolKernelGradAttrs>(attrs);
  expect_known(a.conv.kernel_shape, "the kernel");
  const MaxPool2DIndexGradAttrs spread{a.pool, shape_between(a, inputs[0])};
  const Spec dy = infer_index_grad(spread, inputs.last(2))[0];
  return kConv2DKernelGrad.infer(a.conv, std::vector<Spec>{inputs[0], dy});
}

Values decompose_conv_pool_grad(const Node& node, std::span<const Value> inputs) {
  const auto& a = node.attrs_as<Conv2DPoolKernelGradAttrs>();
  const MaxPool2DIndexGradAttrs spread{a.pool, shape_between(a, inputs[0].spec())};
  return {apply1(kConv2DKernelGrad, a.conv, {inputs[0], apply1(kMaxPool2DIndexGrad, spread, {inputs[1], inputs[2]})})};
}

std::string describe_average_grad(const std::any& attrs) {
  const auto& a = as<AveragePool2DGradAttrs>(attrs);
  return text_of_pool(a.pool) + ", input " + a.input_shape.to_string();
}

std::vector<Spec> infer_average_grad(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  const auto& a = as<AveragePool2DGradAttrs>(attrs);
  expect_known(a.input_shape, "the input");
  const Spec input{a.input_shape, inputs[0].dtype};
  const Spec output = infer_pool(a.pool, {&input, 1})[0];
  if (inputs[0] != output) {
    throw InvalidArgument("dy must be " + output.to_string() + ", got " + inputs[0].to_string());
  }
  return {input};
}

// y = max over the window  =>  dy/dx = 1 at the first maximum
Values max_gradient(const Node& node, Dy dy) {
  return {apply1(kMaxPool2DGrad, node.attrs(), {node.input(0), node.output(), dy[0]})};
}

// y = 1/n sum over the n pixels of the window that are not padding  =>  dy/dx = 1/n
Values average_gradient(const Node& node, Dy dy) {
  const auto& a = node.attrs_as<Pool2DAttrs>();
  return {apply1(kAveragePool2DGrad, AveragePool2DGradAttrs{a, node.input(0).shape()}, {dy[0]})};
}

// Loud, because no gradient at all would count as zero.
Values max_grad_gradient(const Node&, Dy) {
  throw InvalidArgument(
      "max_pool2d: second derivatives through max pooling are not offered; use average_pool2d where a gradient's "
      "gradient is needed");
}

// The adjoint of a linear map; its own adjoint is the map.
Values average_grad_gradient(const Node& node, Dy g) {
  return {apply1(kAveragePool2D, node.attrs_as<AveragePool2DGradAttrs>().pool, {g[0]})};
}

}  // namespace

constinit const OpDef kMaxPool2D = {
    .name = "max_pool2d", .describe = describe_pool, .infer = infer_pool, .gradient = max_gradient};
constinit const OpDef kAveragePool2D = {
    .name = "average_pool2d", .describe = describe_pool, .infer = infer_pool, .gradient = average_gradient};
constinit const OpDef kMaxPool2DGrad = {
    .name = "max_pool2d_grad", .describe = describe_pool, .infer = infer_max_grad, .gradient = max_grad_gradient};
constinit const OpDef kMaxPool2DIndex = {
    .name = "max_pool2d_index", .describe = describe_pool, .infer = infer_max_index, .gradient = max_grad_gradient};
constinit const OpDef kMaxPool2DIndexGrad = {.name = "max_pool2d_index_grad",
                                             .describe = describe_index_grad,
                                             .infer = infer_index_grad,
                                             .gradient = max_grad_gradient};
constinit const OpDef kConv2DPool = {
    .name = "conv2d_pool", .describe = describe_conv_pool, .infer = infer_conv_pool, .decompose = decompose_conv_pool};
constinit const OpDef kConv2DPoolKernelGrad = {.name = "conv2d_pool_kernel_grad",
                                               .describe = describe_conv_pool_grad,
                                               .infer = infer_conv_pool_grad,
                                               .decompose = decompose_conv_pool_grad};
constinit const OpDef kAveragePool2DGrad = {.name = "average_pool2d_grad",
                                            .describe = describe_average_grad,
                                            .infer = infer_average_grad,
                                            .gradient = average_grad_gradient};

Value ops::max_pool2d(Value x, Pool2DAttrs attrs) { return apply1(kMaxPool2D, attrs, {x}); }
Value ops::average_pool2d(Value x, Pool2DAttrs attrs) { return apply1(kAveragePool2D, attrs, {x}); }

}  // namespace keratin
