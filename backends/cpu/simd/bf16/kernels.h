// Products on bfloat16 as tables of function pointers, one for each unit that can compute them. Callers use
// backends/cpu/bf16.h, which picks one the processor has.
#pragma once

#include "keratin/backends/cpu/simd/simd.h"

namespace keratin::cpu {

// A convolution without groups and dilation; `turned`: the gradient of its input, which takes dy and writes dx, for
// strides of 1 and an even number of filters.
struct Bf16Conv {
  WindowShape shape;
  int parts = 1;
  bool turned = false;
};

// `parts` = 1 rounds every number to bfloat16, 2 splits it into the sum of two. Kernels return false when a number is
// not finite in bfloat16: the caller computes everything again in float32, whose infinities and NaNs these products
// lose. Splitting rows, columns and images among calls does not change a bit.
struct Bf16Kernels {
  // As FloatKernels<float>::gemm_workspace and gemm.
  std::size_t (*gemm_workspace)(const GemmShape&, int parts);
  bool (*gemm)(const GemmShape&, int parts, const float* a, const float* b, float* c, const float* bias, Activation,
               void* workspace);

  // The filters, made ready once for all images.
  std::size_t (*conv_filter_bytes)(const Bf16Conv&);
  bool (*conv_pack)(const Bf16Conv&, const float* kernel, void* filters);
  // y of the images [n0, n1), or dx; bias may be null. The workspace is enough for fewer images, too.
  std::size_t (*conv_workspace)(const Bf16Conv&);
  bool (*conv)(const Bf16Conv&, i64 n0, i64 n1, const float* x, const void* filters, const float* bias, Activation,
               float* y, void* workspace);
  // Adds the images' [n0, n1) part to dkernel.
  std::size_t (*conv_kernel_gradient_workspace)(const Bf16Conv&);
  bool (*conv_kernel_gradient)(const Bf16Conv&, i64 n0, i64 n1, const float* x, const float* dy, float* dkernel,
                               void* workspace);
};

namespace bf16_portable {
const Bf16Kernels& bf16_table();
}
namespace bf16_avx512 {
const Bf16Kernels& bf16_table();
}
namespace bf16_amx {
// Visible outside of the library for a test, which runs it on processors without AMX.
[[gnu::visibility("default")]] const Bf16Kernels& bf16_table();
}  // namespace bf16_amx

}  // namespace keratin::cpu
