#include "keratin/core/ops/matmul.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;

std::string list_flags(std::initializer_list<std::pair<bool, std::string_view>> flags) {
  std::string result;
  for (const auto& [set, name] : flags) {
    if (!set) continue;
    if (!result.empty()) result += ", ";
    result += name;
  }
  return result;
}

std::string describe_matmul(const std::any& attrs) {
  const auto& a = as<MatMulAttrs>(attrs);
  return list_flags({{a.transpose_a, "transpose_a"}, {a.transpose_b, "transpose_b"}});
}

Spec infer_product(const Spec& a, const Spec& b, bool transpose_a, bool transpose_b) {
  expect_floating(a, "a");
  expect_same_dtype(a, b);
  if (a.shape.rank() < 2 || b.shape.rank() < 2) {
    throw InvalidArgument("operands must have rank 2 or more, got shapes " + a.shape.to_string() + " and " +
                          b.shape.to_string());
  }
  const std::int64_t m = a.shape[transpose_a ? -1 : -2], inner_a = a.shape[transpose_a ? -2 : -1];
  const std::int64_t n = b.shape[transpose_b ? -2 : -1], inner_b = b.shape[transpose_b ? -1 : -2];
  if (inner_a != inner_b) {
    throw InvalidArgument("the inner sizes " + std::to_string(inner_a) + " and " + std::to_string(inner_b) +
                          " of shapes " + a.shape.to_string() + (transpose_a ? " (transposed)" : "") + " and " +
                          b.shape.to_string() + (transpose_b ? " (transposed)" : "") + " must agree");
  }
  return {broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)).concat({m, n}), a.dtype};
}

std::vector<Spec> infer_matmul(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 2);
  const auto& a = as<MatMulAttrs>(attrs);
  return {infer_product(inputs[0], inputs[1], a.transpose_a, a.transpose_b)};
}

// C = A·B  =>  dA = dC·Bᵀ, dB = Aᵀ·dC.  For A given transposed: dAᵀ = B·dCᵀ; for B: dBᵀ = dCᵀ·A.
Values matmul_gradient(const Node& node, std::span<const Value> dy) {
  const Value &a = node.input(0), &b = node.input(1), &dc = dy[0];
  const auto [ta, tb] = node.attrs_as<MatMulAttrs>();
  const auto product = [](const Value& left, const Value& right, bool transpose_left, bool transpose_right) {
    return apply1(kMatMul, MatMulAttrs{transpose_left, transpose_right}, {left, right});
  };
  const Value da = ta ? product(b, dc, tb, true) : product(dc, b, false, !tb);
  const Value db = tb ? product(dc, a, true, ta) : product(a, dc, !ta, false);
  return {ops::sum_to(da, a.shape()), ops::sum_to(db, b.shape())};
}

std::string describe_fused(const std::any& attrs) {
  const auto& a = as<MatMulFusedAttrs>(attrs);
  return list_flags({{a.transpose_a, "transpose_a"},
                     {a.transpose_b, "transpose_b"},
                     {a.bias, "bias"},
                     {a.activation == FusedActivation::relu, "relu"}});
}

std::vector<Spec> infer_fused(const std::any& attrs, std::span<const Spec> inputs) {
  const auto& a = as<MatMulFusedAttrs>(attrs);
  expect_inputs(inputs, a.bias ? 3 : 2);
  expect_rank(inputs[0], 2, "a");
  expect_rank(inputs[1], 2, "b");
  const Spec result = infer_product(inputs[0], inputs[1], a.transpose_a, a.transpose_b);
  if (a.bias && inputs[2] != Spec{{result.shape[-1]}, result.dtype}) {
    throw InvalidArgument("the bias must be " + Spec{{result.shape[-1]}, result.dtype}.to_string() + ", got " +
                          inputs[2].to_string());
  }
  return {result};
}

Values decompose_fused(const Node& node, std::span<const Value> inputs) {
  const auto& a = node.attrs_as<MatMulFusedAttrs>();
  Value y = ops::matmul(inputs[0], inputs[1], {a.transpose_a, a.transpose_b});
  if (a.bias) y = y + inputs[2];
  return {a.activation == FusedActivation::relu ? ops::relu(y) : y};
}

}  // namespace

constinit const OpDef kMatMul = {
    .name = "matmul", .describe = describe_matmul, .infer = infer_matmul, .gradient = matmul_gradient};
constinit const OpDef kMatMulFused = {
    .name = "matmul_fused", .describe = describe_fused, .infer = infer_fused, .decompose = decompose_fused};

Value ops::matmul(Value a, Value b, MatMulAttrs attrs) {
  meet(a, b);
  // While leading sizes are unknown, a reshape there and back would lose what they have in common.
  const bool one_product = a.rank() > 2 && b.rank() == 2 && !attrs.transpose_a && a.shape().is_known();
  if (!one_product) return apply1(kMatMul, attrs, {a, b});
  const Shape leading = a.shape().slice(0, -1);
  const Value c = apply1(kMatMul, attrs, {reshape(a, {leading.size(), a.shape()[-1]}), b});
  return reshape(c, leading.concat({c.shape()[-1]}));
}

}  // namespace keratin
