#include "keratin/core/ops/softmax.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;
using Dy = std::span<const Value>;
using Inputs = std::span<const Value>;

std::vector<Spec> infer_softmax(const std::any&, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  expect_floating(inputs[0]);
  if (inputs[0].shape.rank() == 0 || inputs[0].shape[-1] == 0) {
    throw InvalidArgument("the last axis must have elements, got shape " + inputs[0].shape.to_string());
  }
  return {inputs[0]};
}

std::vector<Spec> infer_grad(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 2);
  if (inputs[0] != inputs[1]) {
    throw InvalidArgument("dy " + inputs[0].to_string() + " and y " + inputs[1].to_string() + " must agree");
  }
  return infer_softmax(attrs, inputs.first(1));
}

Value last_sum(const Value& x) { return ops::sum(x, {-1}, true); }
Value make(const OpDef& op, const Value& dy, const Value& y) { return apply1(op, {}, {dy, y}); }

Values decompose_softmax(const Node&, Inputs in) {
  const Value e = ops::exp(in[0] - ops::max(in[0], {-1}, true));
  return {e / last_sum(e)};
}
Values decompose_softmax_grad(const Node&, Inputs in) { return {in[1] * (in[0] - last_sum(in[0] * in[1]))}; }
// y_i = e^x_i / sum_j e^x_j  =>  dy_i/dx_j = y_i ([i = j] - y_j)
Values softmax_gradient(const Node& node, Dy dy) { return {make(kSoftmaxGrad, dy[0], node.output())}; }
// r = y (d - sum(d y))  =>  with g = dL/dr:  dL/dd = y (g - sum(g y)),  dL/dy = g (d - sum(d y)) - d sum(g y)
Values softmax_grad_gradient(const Node& node, Dy g) {
  const Value &d = node.input(0), &y = node.input(1);
  return {make(kSoftmaxGrad, g[0], y), g[0] * (d - last_sum(d * y)) - d * last_sum(g[0] * y)};
}

Values decompose_log_softmax(const Node&, Inputs in) {
  const Value shifted = in[0] - ops::max(in[0], {-1}, true);
  return {shifted - ops::log(last_sum(ops::exp(shifted)))};
}
Values decompose_log_softmax_grad(const Node&, Inputs in) { return {in[0] - ops::exp(in[1]) * last_sum(in[0])}; }
// y_i = x_i - ln sum_j e^x_j  =>  dy_i/dx_j = [i = j] - e^y_j
Values log_softmax_gradient(const Node& node, Dy dy) { return {make(kLogSoftmaxGrad, dy[0], node.output())}; }
// r = d - e^y sum(d)  =>  with g = dL/dr:  dL/dd = g - sum(g e^y),  dL/dy = -g e^y sum(d)
Values log_softmax_grad_gradient(const Node& node, Dy g) {
  const Value weighted = g[0] * ops::exp(node.input(1));
  return {g[0] - last_sum(weighted), -(weighted * last_sum(node.input(0)))};
}

}  // namespace

constinit const OpDef kSoftmax = {.name = "softmax",
                                  .describe = describe_nothing,
                                  .infer = infer_softmax,
                                  .gradient = softmax_gradient,
                                  .decompose = decompose_softmax};
constinit const OpDef kSoftmaxGrad = {.name = "softmax_grad",
                                      .describe = describe_nothing,
                                      .infer = infer_grad,
                                      .gradient = softmax_grad_gradient,
                                      .decompose = decompose_softmax_grad};
constinit const OpDef kLogSoftmax = {.name = "log_softmax",
                                     .describe = describe_nothing,
                                     .infer = infer_softmax,
                                     .gradient = log_softmax_gradient,
                                     .decompose = decompose_log_softmax};
constinit const OpDef kLogSoftmaxGrad = {.name = "log_softmax_grad",
                                         .describe = describe_nothing,
                                         .infer = infer_grad,
                                         .gradient = log_softmax_grad_gradient,
                                         .decompose = decompose_log_softmax_grad};

namespace {

// The op computes the last axis; another one is moved there and back.
Value along(const OpDef& op, Value x, int axis) {
  x = to_floating(x);
  const int rank = x.rank();
  if (axis == -1 || axis == rank - 1) return apply1(op, {}, {x});
  std::vector<int> swapped;
  try {
    axis = x.shape().normalize_axis(axis);
  } catch (const Error& error) {
    error.rethrow_in(op.name);
  }
  for (int i = 0; i < rank; ++i) swapped.push_back(i == axis ? rank - 1 : i == rank - 1 ? axis : i);
  return ops::transpose(apply1(op, {}, {ops::transpose(x, swapped)}), swapped);
}

}  // namespace

Value ops::softmax(Value x, int axis) { return along(kSoftmax, x, axis); }
Value ops::log_softmax(Value x, int axis) { return along(kLogSoftmax, x, axis); }

}  // namespace keratin
