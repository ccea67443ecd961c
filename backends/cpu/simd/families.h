// Inside one instruction set: each kernel family enters its functions into the table.
// Everything in this folder's translation units lives in a namespace named after the instruction set and uses no
// standard-library templates: the linker would merge them across instruction sets, and the wrong one might win.
#pragma once

#include "keratin/backends/cpu/simd/simd.h"

namespace keratin::cpu::KERATIN_ISA {

void add_gemm(FloatKernels<float>&);
void add_gemm(FloatKernels<double>&);
void add_conv(FloatKernels<float>&);
void add_conv(FloatKernels<double>&);
void add_pool(FloatKernels<float>&);
void add_pool(FloatKernels<double>&);
void add_unary(FloatKernels<float>&);
void add_unary(FloatKernels<double>&);
void add_binary(Simd&);
void add_reduce(Simd&);
void add_softmax(FloatKernels<float>&);
void add_softmax(FloatKernels<double>&);
void add_gather(Simd&);
void add_optimizer(FloatKernels<float>&);
void add_optimizer(FloatKernels<double>&);
void add_random(FloatKernels<float>&);
void add_random(FloatKernels<double>&);
void add_transpose(Simd&);

}  // namespace keratin::cpu::KERATIN_ISA
