// Matrix products of floats.
#include "keratin/backends/cpu/simd/families.h"
#include "keratin/backends/cpu/simd/gemm.h"
#include "keratin/backends/cpu/simd/gemm_body.h"

namespace keratin::cpu::KERATIN_ISA {

void run_tile(const TileJob<float>& job, int rows, int vectors) { tile_of<float, Walk::segments>(rows, vectors)(job); }
void run_finishing_tile(const TileJob<float>& job, int rows, int vectors) {
  tile_of<float, Walk::finish>(rows, vectors)(job);
}
void run_streaming_tile(const TileJob<float>& job, int rows, int vectors) {
  tile_of<float, Walk::stream>(rows, vectors)(job);
}

std::size_t gemm_workspace_f32(const GemmShape& shape) { return workspace_of<float>(shape); }

void gemm_f32(const GemmShape& shape, const float* a, const float* b, float* c, const float* bias,
              Activation activation, void* workspace) {
  product(shape, a, b, c, bias, activation, workspace);
}

void add_gemm(FloatKernels<float>& kernels) {
  kernels.gemm_workspace = gemm_workspace_f32;
  kernels.gemm = gemm_f32;
  kernels.gemm_packed_bytes = packed_bytes<float>;
  kernels.gemm_pack = tile_pack<float>;
  kernels.gemm_eigen = eigen_product<float>;
}

}  // namespace keratin::cpu::KERATIN_ISA
