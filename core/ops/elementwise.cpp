#include "keratin/core/ops/elementwise.h"

#include <algorithm>
#include <array>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;

std::vector<Spec> infer_where(const std::any&, std::span<const Spec> inputs) {
  expect_inputs(inputs, 3);
  expect_dtype(inputs[0], DType::boolean, "the condition");
  expect_same_dtype(inputs[1], inputs[2]);
  return {{broadcast(inputs[0].shape, broadcast(inputs[1].shape, inputs[2].shape)), inputs[1].dtype}};
}

// y = c ? a : b  =>  dy/da = [c], dy/db = [not c]
Values where_gradient(const Node& node, std::span<const Value> dy) {
  const Value& condition = node.input(0);
  return {Value(), ops::sum_to(ops::where(condition, dy[0], 0.0), node.input(1).shape()),
          ops::sum_to(ops::where(condition, 0.0, dy[0]), node.input(2).shape())};
}

std::string describe_cast(const std::any& attrs) { return std::string(name_of(as<CastAttrs>(attrs).dtype)); }

std::vector<Spec> infer_cast(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  return {{inputs[0].shape, as<CastAttrs>(attrs).dtype}};
}

// y = x in another precision  =>  y' = 1; numbers that are not floating have no gradient.
Values cast_gradient(const Node& node, std::span<const Value> dy) {
  const DType from = node.input(0).dtype();
  if (!is_floating(from) || !is_floating(node.outputs()[0].dtype)) return {Value()};
  return {ops::cast(dy[0], from)};
}

std::vector<Spec> infer_same(const std::any&, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  return {inputs[0]};
}

}  // namespace

constinit const OpDef kWhere = {
    .name = "where", .describe = describe_nothing, .infer = infer_where, .gradient = where_gradient};
constinit const OpDef kCast = {
    .name = "cast", .describe = describe_cast, .infer = infer_cast, .gradient = cast_gradient};
constinit const OpDef kStopGradient = {
    .name = "stop_gradient",
    .describe = describe_nothing,
    .infer = infer_same,
    .decompose = [](const Node&, std::span<const Value> inputs) { return Values{inputs[0]}; },
    .in_place = true};

DType promote(DType a, DType b) {
  constexpr std::array order = {DType::float64, DType::float32, DType::int64,
                                DType::int32,   DType::uint8,   DType::boolean};
  return *std::find_if(order.begin(), order.end(), [&](DType dtype) { return dtype == a || dtype == b; });
}

namespace ops {

Value where(Value condition, Value a, Value b) {
  meet(a, b);
  return apply1(kWhere, {}, {cast(condition, DType::boolean), a, b});
}

Value cast(Value x, DType dtype) { return x.dtype() == dtype ? x : apply1(kCast, CastAttrs{dtype}, {x}); }

Value clip(Value x, double low, double high) {
  if (low > high) {
    throw InvalidArgument("clip: low " + format_number(low) + " is larger than high " + format_number(high));
  }
  return minimum(maximum(x, low), high);
}

Value stop_gradient(Value x) { return apply1(kStopGradient, {}, {x}); }

}  // namespace ops

}  // namespace keratin
