// Matrix products inside one instruction set, for the kernels built on them.
#pragma once

#include "keratin/backends/cpu/simd/vec.h"

namespace keratin::cpu::KERATIN_ISA {

// One register tile of `rows` (at most most_rows, kTallRows of one vector but for finishing ones) by one or two
// vectors; tile.h.
template <class T>
struct TileJob;
void run_tile(const TileJob<float>&, int rows, int vectors);
void run_tile(const TileJob<double>&, int rows, int vectors);
void run_finishing_tile(const TileJob<float>&, int rows, int vectors);
void run_finishing_tile(const TileJob<double>&, int rows, int vectors);
void run_streaming_tile(const TileJob<float>&, int rows, int vectors);
void run_streaming_tile(const TileJob<double>&, int rows, int vectors);

std::size_t gemm_workspace_f32(const GemmShape&);
std::size_t gemm_workspace_f64(const GemmShape&);
void gemm_f32(const GemmShape&, const float* a, const float* b, float* c, const float* bias, Activation,
              void* workspace);
void gemm_f64(const GemmShape&, const double* a, const double* b, double* c, const double* bias, Activation,
              void* workspace);

KERATIN_INLINE std::size_t gemm_workspace(const GemmShape& shape, const float*) { return gemm_workspace_f32(shape); }
KERATIN_INLINE std::size_t gemm_workspace(const GemmShape& shape, const double*) { return gemm_workspace_f64(shape); }
KERATIN_INLINE void gemm(const GemmShape& shape, const float* a, const float* b, float* c, const float* bias,
                         Activation activation, void* workspace) {
  gemm_f32(shape, a, b, c, bias, activation, workspace);
}
KERATIN_INLINE void gemm(const GemmShape& shape, const double* a, const double* b, double* c, const double* bias,
                         Activation activation, void* workspace) {
  gemm_f64(shape, a, b, c, bias, activation, workspace);
}

}  // namespace keratin::cpu::KERATIN_ISA
