// One unit's table. Compiled once per unit, with its own instruction set and namespace.
#include "keratin/backends/cpu/simd/bf16/kernels.h"

#include "keratin/backends/cpu/simd/bf16/conv.h"
#include "keratin/backends/cpu/simd/bf16/gemm.h"

namespace keratin::cpu::KERATIN_ISA {

const Bf16Kernels& bf16_table() {
  static constexpr Bf16Kernels kernels = {.gemm_workspace = gemm_workspace,
                                          .gemm = gemm,
                                          .conv_filter_bytes = conv_filter_bytes,
                                          .conv_pack = conv_pack,
                                          .conv_workspace = conv_workspace,
                                          .conv = conv,
                                          .conv_kernel_gradient_workspace = conv_kernel_gradient_workspace,
                                          .conv_kernel_gradient = conv_kernel_gradient};
  return kernels;
}

}  // namespace keratin::cpu::KERATIN_ISA
