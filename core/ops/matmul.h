// Matrix products.
#pragma once

#include "keratin/core/graph/node.h"

namespace keratin {

// C = A·B over the last two axes; leading axes broadcast.   a: (..., m, k)   b: (..., k, n)   result: (..., m, n)
struct MatMulAttrs {
  bool transpose_a = false;  // a is (..., k, m)
  bool transpose_b = false;  // b is (..., n, k)
};
extern const OpDef kMatMul;

// What a fused kernel applies to its result.
enum class FusedActivation : std::uint8_t { none, relu };

// activation(A·B + bias) for matrices: inputs a, b and, when `bias`, bias (n,). Made by the compiler from matmul, add
// and relu; its decomposition is these.
struct MatMulFusedAttrs {
  bool transpose_a = false, transpose_b = false, bias = false;
  FusedActivation activation = FusedActivation::none;
};
extern const OpDef kMatMulFused;

namespace ops {
// Operands of rank 1 are not accepted; throws InvalidArgument when the inner sizes differ. a of rank > 2 and b of rank
// 2 is one product over all leading axes of a.
Value matmul(Value a, Value b, MatMulAttrs attrs = {});
}  // namespace ops

}  // namespace keratin
