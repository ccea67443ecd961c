// Matrix products of any rank: one product, a strided batch, or, where operands are broadcast unevenly, several calls.
#include "keratin/core/ops/matmul.h"

#include <numeric>
#include <vector>

#include "keratin/backends/cuda/kernel.h"
#include "keratin/backends/cuda/layout.h"
#include "keratin/backends/cuda/matmul_plan.h"

namespace keratin::cuda {
namespace {

// A product, and for each call to it where the operands begin, in elements.
struct Product {
  MatmulShape shape;
  std::vector<std::array<i64, 3>> calls = {{0, 0, 0}};
  bool empty = false;  // the result has no elements
};

// Adds sizes and batches; false when the shapes do not fit.
bool read_shapes(const OpCall& call, Product& p) {
  const Shape &a = call.in[0].shape, &b = call.in[1].shape, &c = call.out[0].shape;
  if (a.rank() < 2 || b.rank() < 2 || c.rank() < 2) return false;
  MatmulShape& s = p.shape;
  s.m = c[-2];
  s.n = c[-1];
  s.k = a[s.trans_a ? -2 : -1];
  if (a[s.trans_a ? -1 : -2] != s.m || b[s.trans_b ? -2 : -1] != s.n || b[s.trans_b ? -1 : -2] != s.k) return false;
  const Shape batch = c.slice(0, c.rank() - 2);
  const auto a_strides = broadcast_strides(a.slice(0, a.rank() - 2), batch);
  const auto b_strides = broadcast_strides(b.slice(0, b.rank() - 2), batch);
  if (!a_strides || !b_strides) return false;
  p.empty = c.size() == 0;
  if (p.empty) return true;
  std::vector<StridedAxis> axes = join_axes(batch, {*a_strides, *b_strides});
  if (axes.size() == 1 && axes[0].stride[0] == 1 && axes[0].stride[1] == 0 && !s.trans_a) {
    s.m *= axes[0].size;  // all of A's matrices meet one B: a single product over their rows
    return true;
  }
  if (axes.empty()) return true;
  const i64 a_size = s.m * s.k, b_size = s.k * s.n, c_size = s.m * s.n;
  s.batches = axes.back().size;
  s.stride_a = axes.back().stride[0] * a_size;
  s.stride_b = axes.back().stride[1] * b_size;
  s.stride_c = c_size;
  axes.pop_back();
  i64 c_offset = 0;
  p.calls.clear();
  i64 calls = 1;
  for (const StridedAxis& axis : axes) calls *= axis.size;
  for (i64 i = 0; i < calls; ++i, c_offset += s.batches * c_size) {
    i64 rest = i, a_offset = 0, b_offset = 0;
    for (std::size_t axis = axes.size(); axis-- > 0;) {
      const i64 at = rest % axes[axis].size;
      rest /= axes[axis].size;
      a_offset += at * axes[axis].stride[0] * a_size;
      b_offset += at * axes[axis].stride[1] * b_size;
    }
    p.calls.push_back({a_offset, b_offset, c_offset});
  }
  if (calls > 1) {
    // Addresses within operands are less aligned than their beginnings.
    const auto element = static_cast<i64>(size_of(s.dtype));
    for (const i64 size : {a_size, b_size, c_size}) s.alignment = std::gcd(s.alignment, size * element);
  }
  return true;
}

KernelPtr product_kernel(const OpCall& call, Product p) {
  if (call.only_asking) return yes();
  if (p.empty) return make_kernel("nothing to compute", [](const Launch&) {});
  const auto element = static_cast<i64>(size_of(p.shape.dtype));
  if (p.shape.k == 0) {
    // The sum of nothing, and what comes after it.
    return make_kernel(
        "zeros", [s = p.shape, bytes = static_cast<std::size_t>(call.out[0].shape.size() * element)](const Launch& l) {
          check_runtime(runtime_api().fill(l.out[0], 0, bytes, l.stream), "cudaMemsetAsync");
          if (s.bias) add_bias(l.stream, s.dtype, s.relu, l.in[2], l.out[0], s.m, s.n);
        });
  }
  auto plan = std::make_shared<const MatmulPlan>(call.context, p.shape, call.options);
  const std::string calls = p.calls.size() > 1 ? ", " + std::to_string(p.calls.size()) + " calls" : "";
  return make_kernel(plan->description() + calls, plan->workspace_bytes(),
                     [=, calls = std::move(p.calls), bias = p.shape.bias](const Launch& l) {
                       for (const auto& [a, b, c] : calls) {
                         plan->run(l.stream, static_cast<const std::byte*>(l.in[0]) + a * element,
                                   static_cast<const std::byte*>(l.in[1]) + b * element, bias ? l.in[2] : nullptr,
                                   static_cast<std::byte*>(l.out[0]) + c * element, l.workspace);
                       }
                     });
}

KernelPtr prepare(const OpCall& call, Product product) {
  for (const SpecView& operand : call.in) {
    if (operand.dtype != call.out[0].dtype) return nullptr;
  }
  if (!is_floating(call.out[0].dtype)) return nullptr;
  product.shape.dtype = call.out[0].dtype;
  product.shape.alignment = call.alignment;
  if (!read_shapes(call, product)) return nullptr;
  if (product.shape.bias && call.in[2].shape != Shape{product.shape.n}) return nullptr;
  return product_kernel(call, std::move(product));
}

KernelPtr prepare_matmul(const OpCall& call) {
  const auto* attrs = call.attributes<MatMulAttrs>();
  if (!attrs || !call.has(2)) return nullptr;
  Product product;
  product.shape.trans_a = attrs->transpose_a;
  product.shape.trans_b = attrs->transpose_b;
  return prepare(call, std::move(product));
}

KernelPtr prepare_fused(const OpCall& call) {
  const auto* attrs = call.attributes<MatMulFusedAttrs>();
  if (!attrs || !call.has(attrs->bias ? 3 : 2) || call.out[0].shape.rank() != 2) return nullptr;
  Product product;
  product.shape.trans_a = attrs->transpose_a;
  product.shape.trans_b = attrs->transpose_b;
  product.shape.bias = attrs->bias;
  product.shape.relu = attrs->activation == FusedActivation::relu;
  return prepare(call, std::move(product));
}

}  // namespace

void register_matmul(KernelTable& table) {
  table.add(kMatMul.name, prepare_matmul);
  table.add(kMatMulFused.name, prepare_fused);
}

}  // namespace keratin::cuda
