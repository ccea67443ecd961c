#include "keratin/core/ops/random.h"

#include <numbers>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
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

Value dropout(Value x, Value step, double rate, std::uint64_t stream) {
  return apply1(kDropout, DropoutAttrs{rate, stream}, {x, step});
}

}  // namespace ops

}  // namespace keratin
