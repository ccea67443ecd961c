#include "keratin/core/ops/gather.h"

#include "keratin/core/ops/arrange.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/pick.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;
using Dy = std::span<const Value>;

Shape rows_shape(const Shape& table, const Shape& ids) {
  if (table.rank() == 0) throw InvalidArgument("the table must have rows, got a scalar");
  return ids.concat(table.slice(1, table.rank()));
}

std::vector<Spec> infer_take(const std::any&, std::span<const Spec> inputs) {
  expect_inputs(inputs, 2);
  expect_dtype(inputs[1], DType::int32, "ids");
  return {{rows_shape(inputs[0].shape, inputs[1].shape), inputs[0].dtype}};
}

std::vector<Spec> infer_take_grad(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 2);
  expect_floating(inputs[0], "dy");
  expect_dtype(inputs[1], DType::int32, "ids");
  const Shape& table = as<TakeGradAttrs>(attrs).table_shape;
  expect_known(table, "the table");
  const Shape expected = rows_shape(table, inputs[1].shape);
  if (inputs[0].shape != expected) {
    throw InvalidArgument("dy must have shape " + expected.to_string() + ", got " + inputs[0].shape.to_string());
  }
  return {{table, inputs[0].dtype}};
}

// y_i = table[ids_i]  =>  dtable[r] = sum of dy_i over the i with ids_i = r
Values take_gradient(const Node& node, Dy dy) {
  return {apply1(kTakeGrad, TakeGradAttrs{node.input(0).shape()}, {dy[0], node.input(1)}), Value()};
}
// The adjoint of a linear map; its own adjoint is the map.
Values take_grad_gradient(const Node& node, Dy g) { return {ops::take(g[0], node.input(1)), Value()}; }

Spec cursor_spec() { return {{kBatchCursorSize}, DType::int64}; }

void expect_batch(std::int64_t batch) {
  if (batch < 1) throw InvalidArgument("the batch must have at least one row, got " + std::to_string(batch));
}

void expect_cursor(const Spec& cursor) {
  if (cursor != cursor_spec()) {
    throw InvalidArgument("the cursor must be " + cursor_spec().to_string() + ", got " + cursor.to_string());
  }
}

std::string describe_batch_gather(const std::any& attrs) {
  const auto& a = as<BatchGatherAttrs>(attrs);
  return std::to_string(a.batch) + " of " + Spec{a.row_shape, a.from}.to_string() + " to " +
         std::string(name_of(a.to)) + ", scale " + format_number(a.scale) + ", offset " + format_number(a.offset);
}

std::vector<Spec> infer_batch_gather(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 2);
  const auto& a = as<BatchGatherAttrs>(attrs);
  expect_batch(a.batch);
  expect_known(a.row_shape, "a row");
  const Spec base{{1}, DType::int64};
  if (inputs[0] != base) throw InvalidArgument("base must be " + base.to_string() + ", got " + inputs[0].to_string());
  expect_cursor(inputs[1]);
  if ((a.scale != 1 || a.offset != 0) && !is_floating(a.to)) {
    throw InvalidArgument("scale and offset need a floating result, got " + std::string(name_of(a.to)));
  }
  return {{Shape{a.batch}.concat(a.row_shape), a.to}};
}

std::vector<Spec> infer_advance(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  expect_batch(as<AdvanceAttrs>(attrs).batch);
  expect_cursor(inputs[0]);
  return {inputs[0]};
}

// cursor + [batch, 0, 0, 0, 0, 0]
Values decompose_advance(const Node& node, std::span<const Value> inputs) {
  Tensor step({kBatchCursorSize}, DType::int64);
  step.values<std::int64_t>()[kCursorPosition] = node.attrs_as<AdvanceAttrs>().batch;
  return {inputs[0] + Value(step)};
}

}  // namespace

constinit const OpDef kTake = {
    .name = "take", .describe = describe_nothing, .infer = infer_take, .gradient = take_gradient};
constinit const OpDef kTakeGrad = {
    .name = "take_grad",
    .describe = [](const std::any& attrs) { return as<TakeGradAttrs>(attrs).table_shape.to_string(); },
    .infer = infer_take_grad,
    .gradient = take_grad_gradient};
constinit const OpDef kBatchGather = {
    .name = "batch_gather", .describe = describe_batch_gather, .infer = infer_batch_gather};
constinit const OpDef kAdvance = {
    .name = "advance",
    .describe = [](const std::any& attrs) { return std::to_string(as<AdvanceAttrs>(attrs).batch); },
    .infer = infer_advance,
    .decompose = decompose_advance};

namespace ops {
Value take(Value table, Value ids) { return apply1(kTake, {}, {table, cast(ids, DType::int32)}); }
Value take(Value x, Value ids, int axis) {
  axis = normalize_axis("take", axis, x.rank());
  std::vector<int> from, to;
  for (int i = 0; i < ids.rank(); ++i) {
    from.push_back(i);
    to.push_back(axis + i);
  }
  return moveaxis(take(moveaxis(x, {axis}, {0}), ids), from, to);
}
Value batch_gather(Value base, Value cursor, BatchGatherAttrs attrs) {
  return apply1(kBatchGather, std::move(attrs), {base, cursor});
}
Value advance(Value cursor, std::int64_t batch) { return apply1(kAdvance, AdvanceAttrs{batch}, {cursor}); }
}  // namespace ops

}  // namespace keratin
