// Puts one instruction set's table together.
#include "keratin/backends/cpu/simd/families.h"
#include "keratin/backends/cpu/simd/tables.h"

#define KERATIN_STRING_(x) #x
#define KERATIN_STRING(x) KERATIN_STRING_(x)

namespace keratin::cpu::KERATIN_ISA {
namespace {

template <class T>
void add_float(FloatKernels<T>& kernels) {
  add_gemm(kernels);
  add_conv(kernels);
  add_pool(kernels);
  add_unary(kernels);
  add_softmax(kernels);
  add_optimizer(kernels);
  add_random(kernels);
}

Simd make() {
  Simd simd{};
  simd.name = KERATIN_STRING(KERATIN_ISA);
  add_float(simd.f32);
  add_float(simd.f64);
  add_binary(simd);
  add_reduce(simd);
  add_gather(simd);
  add_transpose(simd);
  return simd;
}

}  // namespace

const Simd& table() {
  static const Simd simd = make();
  return simd;
}

}  // namespace keratin::cpu::KERATIN_ISA
