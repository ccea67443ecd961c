// Matrix products of doubles.
#include "keratin/backends/cpu/simd/families.h"
#include "keratin/backends/cpu/simd/gemm.h"
#include "keratin/backends/cpu/simd/gemm_body.h"

namespace keratin::cpu::KERATIN_ISA {

void run_tile(const TileJob<double>& job, int rows, int vectors) {
  tile_of<double, Walk::segments>(rows, vectors)(job);
}
void run_finishing_tile(const TileJob<double>& job, int rows, int vectors) {
  tile_of<double, Walk::finish>(rows, vectors)(job);
}
void run_streaming_tile(const TileJob<double>& job, int rows, int vectors) {
  tile_of<double, Walk::stream>(rows, vectors)(job);
}

std::size_t gemm_workspace_f64(const GemmShape& shape) { return workspace_of<double>(shape); }

void gemm_f64(const GemmShape& shape, const double* a, const double* b, double* c, const double* bias,
              Activation activation, void* workspace) {
  product(shape, a, b, c, bias, activation, workspace);
}

void add_gemm(FloatKernels<double>& kernels) {
  kernels.gemm_workspace = gemm_workspace_f64;
  kernels.gemm = gemm_f64;
  kernels.gemm_packed_bytes = packed_bytes<double>;
  kernels.gemm_pack = tile_pack<double>;
  kernels.gemm_eigen = eigen_product<double>;
}

}  // namespace keratin::cpu::KERATIN_ISA
