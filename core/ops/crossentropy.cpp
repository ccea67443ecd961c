// The cross-entropies of core/ops/softmax.h.
#include <limits>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/softmax.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;
using Dy = std::span<const Value>;
using Inputs = std::span<const Value>;

// Keras's backend.epsilon(): probabilities stay this far from 0 and 1.
constexpr double kLow = 1e-7, kHigh = 1 - 1e-7;

std::string describe(const std::any& attrs) {
  return as<SparseCrossentropyAttrs>(attrs).from_logits ? "from_logits" : "";
}

void check(const Spec& x, const Spec& labels) {
  expect_floating(x, "x");
  expect_dtype(labels, DType::int32, "labels");
  if (x.shape.rank() == 0 || x.shape[-1] == 0 || labels.shape != x.shape.slice(0, -1)) {
    throw InvalidArgument("x " + x.shape.to_string() + " must be the shape of the labels " + labels.shape.to_string() +
                          " followed by the number of classes");
  }
}

std::vector<Spec> infer(const std::any&, std::span<const Spec> inputs) {
  expect_inputs(inputs, 2);
  check(inputs[0], inputs[1]);
  return {{inputs[1].shape, inputs[0].dtype}};
}

std::vector<Spec> infer_grad(const std::any&, std::span<const Spec> inputs) {
  expect_inputs(inputs, 3);
  check(inputs[1], inputs[2]);
  const Spec expected{inputs[2].shape, inputs[1].dtype};
  if (inputs[0] != expected) {
    throw InvalidArgument("dy must be " + expected.to_string() + ", got " + inputs[0].to_string());
  }
  return {inputs[1]};
}

Value last_sum(const Value& x, bool keepdims = true) { return ops::sum(x, {-1}, keepdims); }
Value one_hot_like(const Value& labels, const Value& x) { return ops::one_hot(labels, x.shape()[-1], x.dtype()); }
// `row` where the label names a class. Labels of data are checked on the host; others must not pass unseen.
Value nan_outside(const Value& labels, const Value& x, const Value& row) {
  const Value low = ops::greater_equal(labels, op_support::scalar(0, DType::int32));
  const Value high = ops::less(labels, op_support::scalar(static_cast<double>(x.shape()[-1]), DType::int32));
  Value inside = ops::logical_and(low, high);
  if (row.rank() > labels.rank()) inside = ops::expand_dims(inside, -1);
  return ops::where(inside, row, op_support::scalar(std::numeric_limits<double>::quiet_NaN(), row.dtype()));
}
Value clip_probability(const Value& p) { return ops::clip(p, kLow, kHigh); }

Values decompose(const Node& node, Inputs in) {
  const Value &x = in[0], hot = one_hot_like(in[1], x);
  if (node.attrs_as<SparseCrossentropyAttrs>().from_logits) {
    // logsumexp(x) - x[label], without the loss of digits between two large numbers.
    return {nan_outside(in[1], x, -last_sum(ops::log_softmax(x) * hot, false))};
  }
  return {nan_outside(in[1], x, -ops::log(last_sum(clip_probability(x / last_sum(x)) * hot, false)))};
}

// L = -ln(x_label)  of (x, labels)
Values gradient(const Node& node, Dy dy) {
  return {apply1(kSparseCrossentropyGrad, node.attrs(), {dy[0], node.input(0), node.input(1)}), Value()};
}

// What the gradient for probabilities and its own gradient share: s = sum(x), x_l = x[label], and whether x_l / s lies
// between the clips, as 1 or 0. A row outside of them gets x_l = 1, so that nothing is divided by 0.
struct Row {
  Value hot, total, chosen, inside;
  Row(const Value& x, const Value& labels) : hot(one_hot_like(labels, x)), total(last_sum(x)) {
    const Value raw = last_sum(x * hot);
    const Value p = raw / total;
    const Value between = ops::logical_and(ops::greater(p, kLow), ops::less(p, kHigh));
    chosen = ops::where(between, raw, 1.0);
    inside = ops::cast(between, x.dtype());
  }
  Value slope() const { return inside * (1.0 / total - hot / chosen); }
};

// Logits: L = ln sum_j e^x_j - x_l  =>  dL/dx_j = softmax(x)_j - [j = l].
// Probabilities: L = ln s - ln x_l  =>  dL/dx_j = 1/s - [j = l]/x_l  where x_l/s is not clipped, else 0.
Values decompose_grad(const Node& node, Inputs in) {
  const Value dy = ops::expand_dims(in[0], -1);
  const Value &x = in[1], &labels = in[2];
  if (node.attrs_as<SparseCrossentropyAttrs>().from_logits) {
    return {nan_outside(labels, x, dy * (ops::softmax(x) - one_hot_like(labels, x)))};
  }
  return {nan_outside(labels, x, dy * Row(x, labels).slope())};
}

// r_j = d s_j with the slopes s above, g = dL/dr  =>  dL/dd = sum_j g_j s_j, and for x_k:
// logits: the gradient of softmax for d g;  probabilities: d (g_l [k = l] / x_l^2 - sum_j g_j / s^2).
Values grad_gradient(const Node& node, Dy g) {
  const Value d = ops::expand_dims(node.input(0), -1);
  const Value &x = node.input(1), &labels = node.input(2);
  if (node.attrs_as<SparseCrossentropyAttrs>().from_logits) {
    const Value y = ops::softmax(x);
    const Value slope = y - one_hot_like(labels, x);
    return {last_sum(g[0] * slope, false), apply1(kSoftmaxGrad, {}, {g[0] * d, y}), Value()};
  }
  const Row row(x, labels);
  const Value curve = g[0] * row.hot / ops::square(row.chosen) - last_sum(g[0]) / ops::square(row.total);
  return {last_sum(g[0] * row.slope(), false), d * row.inside * curve, Value()};
}

}  // namespace

constinit const OpDef kSparseCrossentropy = {
    .name = "sparse_crossentropy", .describe = describe, .infer = infer, .gradient = gradient, .decompose = decompose};
constinit const OpDef kSparseCrossentropyGrad = {.name = "sparse_crossentropy_grad",
                                                 .describe = describe,
                                                 .infer = infer_grad,
                                                 .gradient = grad_gradient,
                                                 .decompose = decompose_grad};

namespace ops {

Value one_hot(Value labels, std::int64_t classes, DType dtype) {
  const Value index = iota({classes}, 0, DType::int32);
  return cast(equal(expand_dims(cast(labels, DType::int32), -1), index), dtype);
}

Value sparse_categorical_crossentropy(Value labels, Value x, bool from_logits) {
  x = to_floating(x);
  if (labels.rank() == x.rank() && labels.rank() > 0 && labels.shape()[-1] == 1) labels = squeeze(labels, -1);
  return apply1(kSparseCrossentropy, SparseCrossentropyAttrs{from_logits}, {x, cast(labels, DType::int32)});
}

Value categorical_crossentropy(Value target, Value x, bool from_logits) {
  x = to_floating(x);
  target = cast(target, x.dtype());
  if (target.shape() != x.shape()) {
    throw InvalidArgument("categorical_crossentropy: the targets " + target.shape().to_string() +
                          " and the predictions " + x.shape().to_string() +
                          " must have one shape; for integer labels there is sparse_categorical_crossentropy");
  }
  const Value log_p = from_logits ? log_softmax(x) : log(clip_probability(x / last_sum(x)));
  return -last_sum(target * log_p, false);
}

Value binary_crossentropy(Value target, Value x, bool from_logits) {
  x = to_floating(x);
  target = cast(target, x.dtype());
  // With p = sigmoid(x):  -t ln p - (1 - t) ln(1 - p) = softplus(x) - x t
  if (from_logits) return softplus(x) - x * target;
  const Value p = clip_probability(x);
  return -(target * log(p) + (1.0 - target) * log(1.0 - p));
}

}  // namespace ops

}  // namespace keratin
