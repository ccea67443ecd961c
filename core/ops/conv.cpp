#include "keratin/core/ops/conv.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/windows.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;
using Dy = std::span<const Value>;

std::string text_of_conv(const Conv2DAttrs& a) {
  return "strides " + text_of(a.strides) + ", padding " + text_of(a.padding.before) + text_of(a.padding.after) +
         ", dilation " + text_of(a.dilation) + ", groups " + std::to_string(a.groups);
}
std::string describe_conv(const std::any& attrs) { return text_of_conv(as<Conv2DAttrs>(attrs)); }

Shape output_shape(const Conv2DAttrs& a, const Shape& x, const Shape& kernel) {
  const std::int64_t channels = x[3], filters = kernel[3];
  if (a.groups < 1) throw InvalidArgument("groups must be at least 1, got " + std::to_string(a.groups));
  if (kernel[2] * a.groups != channels) {
    throw InvalidArgument("input " + x.to_string() + " has " + std::to_string(channels) + " channels, but kernel " +
                          kernel.to_string() + " with " + std::to_string(a.groups) +
                          (a.groups == 1 ? " group" : " groups") + " takes " + std::to_string(kernel[2] * a.groups));
  }
  if (filters % a.groups != 0) {
    throw InvalidArgument("the number of filters " + std::to_string(filters) + " must be divisible by groups, got " +
                          std::to_string(a.groups));
  }
  const auto size = windowed_size({x[1], x[2]}, {kernel[0], kernel[1]}, a.strides, a.padding, a.dilation);
  return {x[0], size[0], size[1], filters};
}

void check_operands(const Spec& x, std::string_view x_name, const Spec& kernel, std::string_view kernel_name) {
  expect_floating(x, x_name);
  expect_same_dtype(x, kernel);
  expect_rank(x, 4, std::string(x_name) + " (n, h, w, c)");
  expect_rank(kernel, 4, kernel_name);
}

std::vector<Spec> infer_conv(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 2);
  check_operands(inputs[0], "the input", inputs[1], "the kernel (kh, kw, c/groups, f)");
  return {{output_shape(as<Conv2DAttrs>(attrs), inputs[0].shape, inputs[1].shape), inputs[0].dtype}};
}

void expect_dy(const Shape& dy, const Shape& expected) {
  if (dy == expected) return;
  throw InvalidArgument("dy must have the shape of the result, " + expected.to_string() + ", got " + dy.to_string());
}

std::vector<Spec> infer_input_grad(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 2);
  check_operands(inputs[0], "dy", inputs[1], "the kernel (kh, kw, c/groups, f)");
  const auto& a = as<Conv2DInputGradAttrs>(attrs);
  expect_known(a.input_shape, "the input");
  expect_rank({a.input_shape, inputs[0].dtype}, 4, "the input (n, h, w, c)");
  expect_dy(inputs[0].shape, output_shape(a.conv, a.input_shape, inputs[1].shape));
  return {{a.input_shape, inputs[0].dtype}};
}

std::vector<Spec> infer_kernel_grad(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 2);
  check_operands(inputs[0], "the input", inputs[1], "dy (n, oh, ow, f)");
  const auto& a = as<Conv2DKernelGradAttrs>(attrs);
  expect_known(a.kernel_shape, "the kernel");
  expect_rank({a.kernel_shape, inputs[0].dtype}, 4, "the kernel (kh, kw, c/groups, f)");
  expect_dy(inputs[1].shape, output_shape(a.conv, inputs[0].shape, a.kernel_shape));
  return {{a.kernel_shape, inputs[0].dtype}};
}

Value conv(const Conv2DAttrs& a, const Value& x, const Value& kernel) { return apply1(kConv2D, a, {x, kernel}); }
Value input_grad(const Conv2DAttrs& a, const Value& dy, const Value& kernel, const Shape& input_shape) {
  return apply1(kConv2DInputGrad, Conv2DInputGradAttrs{a, input_shape}, {dy, kernel});
}
Value kernel_grad(const Conv2DAttrs& a, const Value& x, const Value& dy, const Shape& kernel_shape) {
  return apply1(kConv2DKernelGrad, Conv2DKernelGradAttrs{a, kernel_shape}, {x, dy});
}

// The three are the derivatives of one trilinear form F(x, k, d) = sum d·conv(x, k):
// conv = dF/dd, input_grad = dF/dx, kernel_grad = dF/dk. So each one's gradients are the two others.
Values conv_gradient(const Node& node, Dy dy) {
  const Value &x = node.input(0), &k = node.input(1);
  const auto& a = node.attrs_as<Conv2DAttrs>();
  return {input_grad(a, dy[0], k, x.shape()), kernel_grad(a, x, dy[0], k.shape())};
}
Values input_grad_gradient(const Node& node, Dy g) {
  const Value &d = node.input(0), &k = node.input(1);
  const auto& a = node.attrs_as<Conv2DInputGradAttrs>().conv;
  return {conv(a, g[0], k), kernel_grad(a, g[0], d, k.shape())};
}
Values kernel_grad_gradient(const Node& node, Dy g) {
  const Value &x = node.input(0), &d = node.input(1);
  const auto& a = node.attrs_as<Conv2DKernelGradAttrs>().conv;
  return {input_grad(a, d, g[0], x.shape()), conv(a, x, g[0])};
}

std::string describe_fused(const std::any& attrs) {
  const auto& a = as<Conv2DFusedAttrs>(attrs);
  return text_of_conv(a.conv) + (a.bias ? ", bias" : "") + (a.activation == FusedActivation::relu ? ", relu" : "");
}

void expect_spec(const std::string& name, const Spec& got, const Spec& expected) {
  if (got != expected) {
    throw InvalidArgument("the " + name + " must be " + expected.to_string() + ", got " + got.to_string());
  }
}

std::vector<Spec> infer_fused(const std::any& attrs, std::span<const Spec> inputs) {
  const auto& a = as<Conv2DFusedAttrs>(attrs);
  expect_inputs(inputs, a.bias ? 3 : 2);
  const std::vector<Spec> result = infer_conv(a.conv, inputs.first(2));
  if (a.bias) expect_spec("bias", inputs[2], {{result[0].shape[3]}, result[0].dtype});
  return result;
}

Values decompose_fused(const Node& node, std::span<const Value> inputs) {
  const auto& a = node.attrs_as<Conv2DFusedAttrs>();
  Value y = conv(a.conv, inputs[0], inputs[1]);
  if (a.bias) y = y + inputs[2];
  return {a.activation == FusedActivation::relu ? ops::relu(y) : y};
}

std::string describe_normalized(const std::any& attrs) {
  const auto& a = as<Conv2DNormalizedAttrs>(attrs);
  return text_of_conv(a.conv) + (a.bias ? ", bias" : "") + ", scale" + (a.more ? ", sum" : "") +
         (a.activation == FusedActivation::relu ? ", relu" : "");
}

std::vector<Spec> infer_normalized(const std::any& attrs, std::span<const Spec> inputs) {
  const auto& a = as<Conv2DNormalizedAttrs>(attrs);
  expect_inputs(inputs, 4 + (a.bias ? 1 : 0) + (a.more ? 1 : 0));
  const std::vector<Spec> result = infer_conv(a.conv, inputs.first(2));
  const Spec feature{{result[0].shape[3]}, result[0].dtype};
  expect_spec("scale", inputs[2], feature);
  expect_spec("shift", inputs[3], feature);
  if (a.bias) expect_spec("bias", inputs[4], feature);
  if (a.more) expect_spec("other term", inputs.back(), result[0]);
  return result;
}

Values decompose_normalized(const Node& node, std::span<const Value> inputs) {
  const auto& a = node.attrs_as<Conv2DNormalizedAttrs>();
  Value y = conv(a.conv, inputs[0], inputs[1]);
  if (a.bias) y = y + inputs[4];
  y = y * inputs[2] + inputs[3];
  if (a.more) y = y + inputs.back();
  return {a.activation == FusedActivation::relu ? ops::relu(y) : y};
}

}  // namespace

constinit const OpDef kConv2D = {
    .name = "conv2d", .describe = describe_conv, .infer = infer_conv, .gradient = conv_gradient};
constinit const OpDef kConv2DInputGrad = {.name = "conv2d_input_grad",
                                          .describe =
                                              [](const std::any& attrs) {
                                                const auto& a = as<Conv2DInputGradAttrs>(attrs);
                                                return text_of_conv(a.conv) + ", input " + a.input_shape.to_string();
                                              },
                                          .infer = infer_input_grad,
                                          .gradient = input_grad_gradient};
constinit const OpDef kConv2DKernelGrad = {.name = "conv2d_kernel_grad",
                                           .describe =
                                               [](const std::any& attrs) {
                                                 const auto& a = as<Conv2DKernelGradAttrs>(attrs);
                                                 return text_of_conv(a.conv) + ", kernel " + a.kernel_shape.to_string();
                                               },
                                           .infer = infer_kernel_grad,
                                           .gradient = kernel_grad_gradient};
constinit const OpDef kConv2DFused = {
    .name = "conv2d_fused", .describe = describe_fused, .infer = infer_fused, .decompose = decompose_fused};
constinit const OpDef kConv2DNormalized = {.name = "conv2d_normalized",
                                           .describe = describe_normalized,
                                           .infer = infer_normalized,
                                           .decompose = decompose_normalized};

Value ops::conv2d(Value x, Value kernel, Conv2DAttrs attrs) {
  meet(x, kernel);
  return conv(attrs, x, kernel);
}

Value ops::conv2d_transpose(Value x, Value kernel, std::array<std::int64_t, 2> size, Conv2DAttrs attrs) {
  meet(x, kernel);
  if (x.rank() != 4 || kernel.rank() != 4) {
    throw InvalidArgument("conv2d_transpose: expected images (n, oh, ow, f) and a kernel (kh, kw, c/groups, f), got " +
                          x.shape().to_string() + " and " + kernel.shape().to_string());
  }
  return input_grad(attrs, x, kernel, {x.shape()[0], size[0], size[1], kernel.shape()[2] * attrs.groups});
}

}  // namespace keratin
