#include "keratin/layers/merging/dot.h"

#include <array>
#include "keratin/layers/detail/config_support.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

constexpr double kLargestInverse = 1e7;  // 1 / keras.config.epsilon(): what a vector of length 0 is multiplied by

// (n, ..., d, ...) as the matrices (n, the other sizes, d), and those other sizes.
struct Vectors {
  Value matrices;
  Shape others;
};
Vectors vectors_of(const Value& x, int axis) {
  std::vector<int> permutation;
  Shape others;
  for (int i = 0; i < x.rank(); ++i) {
    if (i == axis) continue;
    permutation.push_back(i);
    if (i > 0) others.push_back(x.shape()[i]);
  }
  permutation.push_back(axis);
  return {ops::reshape(ops::transpose(x, permutation), {x.shape()[0], others.size(), x.shape()[axis]}), others};
}

class DotLayer final : public LayerImpl {
 public:
  DotLayer(const Axes& axes, const DotOptions& options)
      : LayerImpl("Dot", options.name, options.trainable), axes_(axes), normalize_(options.normalize) {
    if (axes_.list().empty() || axes_.list().size() > 2) {
      throw InvalidArgument("Dot: axes must be one axis or two, got " + std::to_string(axes_.list().size()));
    }
  }

  Config config() const override {
    return LayerImpl::config().set("axes", axes_.config()).set("normalize", normalize_);
  }

  Values call(std::span<const Value> inputs, CallContext& context) override {
    context.set_mask({});  // as in Keras: its result has other axes
    Value a = op_support::to_floating(inputs[0]), b = op_support::to_floating(inputs[1]);
    const auto [axis_a, axis_b] = axes_for(a.shape(), b.shape());
    if (normalize_) {
      a = unit(a, axis_a);
      b = unit(b, axis_b);
    }
    const Vectors left = vectors_of(a, axis_a), right = vectors_of(b, axis_b);
    Shape result = Shape{a.shape()[0]}.concat(left.others).concat(right.others);
    if (result.rank() == 1) result.push_back(1);
    return {ops::reshape(ops::matmul(left.matrices, right.matrices, {.transpose_b = true}), result)};
  }

 protected:
  int input_count() const override { return 2; }

  void check_inputs(std::span<const Shape> inputs) const override {
    const Shape &a = inputs[0], &b = inputs[1];
    const auto [axis_a, axis_b] = axes_for(a, b);
    const auto differ = [](std::int64_t x, std::int64_t y) { return x != y && x != kUnknown && y != kUnknown; };
    if (axis_a == 0 || axis_b == 0) throw InvalidArgument("the batch axis 0 cannot hold the vectors");
    if (differ(a[0], b[0]) || differ(a[axis_a], b[axis_b])) {
      throw InvalidArgument("inputs of shapes " + a.to_string() + " and " + b.to_string() +
                            " must have equal batches and equal sizes on axes " + std::to_string(axis_a) + " and " +
                            std::to_string(axis_b));
    }
  }

 private:
  std::array<int, 2> axes_for(const Shape& a, const Shape& b) const {
    return {detail::resolve_axes(axes_.list().front(), a).front(),
            detail::resolve_axes(axes_.list().back(), b).front()};
  }

  static Value unit(const Value& x, int axis) {
    return x * ops::minimum(ops::rsqrt(ops::sum(ops::square(x), {axis}, true)), kLargestInverse);
  }

  Axes axes_;
  bool normalize_;
};

}  // namespace

Dot::Dot(const Axes& axes, const DotOptions& options) : Layer(std::make_shared<DotLayer>(axes, options)) {}

Layer Dot::from_config(ConfigReader& c) {
  const Axes axes = detail::read_axes(c, "axes", -1);
  return Dot(axes, {.normalize = c.boolean("normalize", false), .name = c.name(), .trainable = c.trainable()});
}

}  // namespace keratin
