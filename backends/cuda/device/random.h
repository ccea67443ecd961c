// Random numbers: each element is a function of (stream, step, element), with the CPU's numbers (core/tensor/philox.h).
#pragma once

#include "keratin/backends/cuda/device/launch.h"
#include "keratin/core/tensor/dtype.h"

namespace keratin::cuda {

// `step` is in device memory, so that a captured step draws new numbers each time.
void random_uniform(Stream stream, std::uint64_t key, const i64* step, float* y, i64 n);
void dropout(Stream stream, DType dtype, std::uint64_t key, double rate, const void* x, const i64* step, void* y,
             i64 n);

}  // namespace keratin::cuda
