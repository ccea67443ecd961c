// Matrix products by cuBLASLt, which counts columns first: a row-major C = A·B is its Cᵀ = Bᵀ·Aᵀ on the same memory, so
// nothing is ever transposed.
#pragma once

#include <memory>
#include <vector>

#include "keratin/backends/cuda/context.h"
#include "keratin/core/runtime/backend.h"

namespace keratin::cuda {

using i64 = std::int64_t;

// C (m, n) = op(A) op(B), row-major and without gaps; `batches` of them, each operand's `stride` elements apart.
struct MatmulShape {
  DType dtype = DType::float32;
  i64 m = 0, n = 0, k = 0;
  bool trans_a = false, trans_b = false;
  i64 batches = 1, stride_a = 0, stride_b = 0, stride_c = 0;
  bool bias = false, relu = false;  // activation(C + bias), with one bias for each column
  bool accumulate = false;          // C += instead of C =
  i64 alignment = 256;              // of all addresses, in bytes
};

// What cuBLASLt proposes for a product, best first, and whether it adds the bias by itself.
struct MatmulAlgorithms {
  bool fused = false;
  std::vector<blas::HeuristicResult> found = {};
  std::size_t current = 0;  // moves on when one fails; guarded by the context's mutex
};

// Descriptors of a product, with an algorithm. k, m, n and batches must be positive.
class MatmulPlan {
 public:
  // Throws BackendError when cuBLASLt proposes nothing.
  MatmulPlan(Context& context, const MatmulShape& shape, const CompileOptions& options);
  ~MatmulPlan();
  MatmulPlan(const MatmulPlan&) = delete;
  MatmulPlan& operator=(const MatmulPlan&) = delete;

  i64 workspace_bytes() const { return workspace_bytes_; }
  std::string description() const;
  // `bias` is read only when the shape says so.
  void run(Stream stream, const void* a, const void* b, const void* bias, void* c, void* workspace) const;

 private:
  void make(const CompileOptions& options);
  void release();
  MatmulAlgorithms propose(bool fused, i64 workspace_limit) const;
  void set_epilogue(bool fused) const;
  bool next_algorithm() const;
  int multiply(Stream stream, const void* a, const void* b, void* c, void* workspace) const;

  Context& context_;
  MatmulShape shape_;
  blas::Desc desc_ = nullptr;
  blas::Layout a_ = nullptr, b_ = nullptr, c_ = nullptr;
  std::shared_ptr<MatmulAlgorithms> algorithms_;  // of all plans of this shape
  i64 workspace_bytes_ = 0;
  bool deterministic_ = false, tf32_ = false;
  mutable bool desc_is_fused_ = false;
};

}  // namespace keratin::cuda
