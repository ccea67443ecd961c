// Matrix products by Eigen, with packing buffers in the caller's workspace (Eigen would allocate them).
#pragma once

#include <Eigen/Core>

#include "keratin/backends/cpu/simd/vec.h"

namespace keratin::cpu::KERATIN_ISA {

// Eigen sees our row-major product transposed: Cᵀ(n, m) = Bᵀ·Aᵀ, column-major. Its "rows" are our n.
// Sizes of the packed blocks: depth so that a panel of each operand stays in the L1 cache, Bᵀ's block in L2.
// The depth is split evenly; a short last piece would pay for loading and storing C with little work.
template <class T>
struct EigenBlocking : Eigen::internal::level3_blocking<T, T> {
  static constexpr i64 kMaxDepth = 960 / static_cast<i64>(sizeof(T)), kMaxRows = 480, kMaxCols = 512;
  static constexpr i64 kAlign = 64, kSlack = 64;  // packets may read past the last element

  explicit EigenBlocking(const GemmShape& s) {
    const i64 pieces = (s.k + kMaxDepth - 1) / kMaxDepth;
    const i64 depth = pieces > 0 ? (s.k + pieces - 1) / pieces : 0;
    this->m_kc = (depth + 7) / 8 * 8;
    this->m_mc = s.n < kMaxRows ? s.n : kMaxRows;
    this->m_nc = s.m < kMaxCols ? s.m : kMaxCols;
  }
  i64 a_elements() const { return this->m_kc * this->m_mc + kSlack; }
  i64 b_elements() const { return this->m_kc * this->m_nc + kSlack; }
  // Grows with every size: what suffices for a product suffices for any part of it, though parts are split differently.
  static std::size_t bytes(const GemmShape& s) {
    const i64 depth = s.k < kMaxDepth ? (s.k + 7) / 8 * 8 : kMaxDepth;
    const i64 rows = s.n < kMaxRows ? s.n : kMaxRows, cols = s.m < kMaxCols ? s.m : kMaxCols;
    return static_cast<std::size_t>(depth * (rows + cols) + 2 * kSlack) * sizeof(T) + 2 * kAlign;
  }
  void place(void* workspace) {
    const auto address = (reinterpret_cast<std::uintptr_t>(workspace) + kAlign - 1) / kAlign * kAlign;
    this->m_blockA = reinterpret_cast<T*>(address);
    const auto after = reinterpret_cast<std::uintptr_t>(this->m_blockA + a_elements());
    this->m_blockB = reinterpret_cast<T*>((after + kAlign - 1) / kAlign * kAlign);
  }
};

template <class T, int order_b, int order_a>
void eigen_product(const GemmShape& s, const T* a, const T* b, T* c, EigenBlocking<T>& blocking) {
  Eigen::internal::general_matrix_matrix_product<i64, T, order_b, false, T, order_a, false, Eigen::ColMajor, 1>::run(
      s.n, s.m, s.k, b, s.ldb, a, s.lda, c, 1, s.ldc, T{1}, blocking, nullptr);
}

// C += A·B.
template <class T>
void eigen_gemm_add(const GemmShape& s, const T* a, const T* b, T* c, void* workspace) {
  EigenBlocking<T> blocking(s);
  blocking.place(workspace);
  constexpr int kPlain = Eigen::ColMajor, kTransposed = Eigen::RowMajor;
  if (s.trans_a) {
    s.trans_b ? eigen_product<T, kTransposed, kTransposed>(s, a, b, c, blocking)
              : eigen_product<T, kPlain, kTransposed>(s, a, b, c, blocking);
  } else {
    s.trans_b ? eigen_product<T, kTransposed, kPlain>(s, a, b, c, blocking)
              : eigen_product<T, kPlain, kPlain>(s, a, b, c, blocking);
  }
}

}  // namespace keratin::cpu::KERATIN_ISA
