#include "keratin/core/ops/random.h"

#include <limits>
#include <numbers>

#include "keratin/core/ops/arrange.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/pick.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/gather.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/sorting.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;

void expect_step(const Spec& step) {
  const Spec expected{{}, DType::int64};
  if (step != expected) {
    throw InvalidArgument("step must be " + expected.to_string() + ", got " + step.to_string());
  }
}

std::string describe_uniform(const std::any& attrs) {
  const auto& a = as<RandomAttrs>(attrs);
  return a.shape.to_string() + ", stream " + std::to_string(a.stream);
}

std::vector<Spec> infer_uniform(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  expect_step(inputs[0]);
  const Shape& shape = as<RandomAttrs>(attrs).shape;
  expect_known(shape, "the shape");
  return {{shape, DType::float32}};
}

std::string describe_dropout(const std::any& attrs) {
  const auto& a = as<DropoutAttrs>(attrs);
  return "rate " + format_number(a.rate) + ", stream " + std::to_string(a.stream);
}

std::vector<Spec> infer_dropout(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 2);
  expect_floating(inputs[0], "x");
  expect_step(inputs[1]);
  const double rate = as<DropoutAttrs>(attrs).rate;
  if (!(rate >= 0 && rate <= 1)) throw InvalidArgument("rate must lie between 0 and 1, got " + format_number(rate));
  return {inputs[0]};
}

// y = x m with m = 0 or 1/(1 - rate), drawn again from the same stream and step  =>  y' = m
Values dropout_gradient(const Node& node, std::span<const Value> dy) {
  return {apply1(kDropout, node.attrs(), {dy[0], node.input(1)}), Value()};
}

Values decompose_dropout(const Node& node, std::span<const Value> inputs) {
  const auto& a = node.attrs_as<DropoutAttrs>();
  const Value& x = inputs[0];
  const Value kept = ops::greater_equal(ops::random_uniform(inputs[1], x.shape(), a.stream), a.rate);
  // With rate 1 nothing is kept.
  return {ops::where(kept, a.rate < 1 ? x * (1 / (1 - a.rate)) : x, 0.0)};
}

}  // namespace

constinit const OpDef kRandomUniform = {
    .name = "random_uniform", .describe = describe_uniform, .infer = infer_uniform, .effect = Effect::random};
constinit const OpDef kDropout = {.name = "dropout",
                                  .describe = describe_dropout,
                                  .infer = infer_dropout,
                                  .gradient = dropout_gradient,
                                  .decompose = decompose_dropout,
                                  .effect = Effect::random,
                                  .in_place = true};

namespace ops {

Value random_uniform(Value step, Shape shape, std::uint64_t stream) {
  return apply1(kRandomUniform, RandomAttrs{std::move(shape), stream}, {step});
}

Value random_normal(Value step, Shape shape, std::uint64_t stream) {
  // The fractional part of the golden ratio: far from the small and the hashed numbers that streams are.
  const std::uint64_t second = stream + 0x9E3779B97F4A7C15u;
  // 1 - u lies in (0, 1], where the logarithm is finite.
  const Value radius = sqrt(log(1.0 - random_uniform(step, shape, stream)) * -2.0);
  return radius * cos(random_uniform(step, shape, second) * (2 * std::numbers::pi));
}

Value random_integers(Value step, Shape shape, std::int64_t low, std::int64_t high, std::uint64_t stream) {
  constexpr std::int64_t kMost = 1 << 24;  // what uniform numbers tell apart
  using Limits = std::numeric_limits<std::int32_t>;
  if (low < Limits::min() || high <= low || high - 1 > Limits::max() || high - low > kMost) {
    throw InvalidArgument("random_integers: high must be above low, by 2^24 at most, and both int32, got " +
                          std::to_string(low) + " and " + std::to_string(high));
  }
  const auto count = static_cast<double>(high - low);
  const Value uniform = random_uniform(step, std::move(shape), stream);
  // Rounding may not lead to `high`.
  const Value number = minimum(floor(uniform * count), count - 1);
  return cast(number, DType::int32) + static_cast<double>(low);
}

// The largest of logits + g, with g = -ln(-ln u), is distributed as softmax(logits) says (Gumbel).
Value random_categorical(Value step, Value logits, std::int64_t samples, std::uint64_t stream) {
  if (logits.rank() != 2 || !logits.shape().is_known() || samples < 1) {
    throw InvalidArgument(
        "random_categorical: expected logits (n, classes) of known sizes and at least one sample, got " +
        logits.shape().to_string() + " and " + std::to_string(samples));
  }
  const std::int64_t rows = logits.shape()[0], classes = logits.shape()[1];
  // Away from 0, where the logarithm is infinite; the largest number drawn is 1 - 2^-24.
  const Value uniform = maximum(random_uniform(step, {rows, samples, classes}, stream), 1e-30);
  return argmax(expand_dims(cast(logits, DType::float32), 1) - log(-log(uniform)));
}

Value random_shuffle(Value step, Value x, int axis, std::uint64_t stream) {
  op_support::expect_known_sizes("random_shuffle", x);
  axis = op_support::normalize_axis("random_shuffle", axis, x.rank());
  const Value order = argsort(random_uniform(step, {x.shape()[axis]}, stream));
  return moveaxis(take(moveaxis(x, {axis}, {0}), order), {0}, {axis});
}

Value dropout(Value x, Value step, double rate, std::uint64_t stream) {
  return apply1(kDropout, DropoutAttrs{rate, stream}, {x, step});
}

}  // namespace ops

}  // namespace keratin
