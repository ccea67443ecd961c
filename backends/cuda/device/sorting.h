// Order and running sums.
#pragma once

#include "keratin/backends/cuda/device/launch.h"
#include "keratin/core/tensor/dtype.h"

namespace keratin::cuda {

// For each row of `size` elements the indices that sort it; equal ones keep their order, NaN comes last. Each element
// counts those before it: work that grows with the square of the size, without memory and in one launch.
void argsort(Stream stream, DType dtype, i64 rows, i64 size, const void* x, std::int32_t* y);
// Over the middle axis of (outer, size, inner), by a thread for each sum.
void cumsum(Stream stream, DType dtype, i64 outer, i64 size, i64 inner, bool reverse, const void* x, void* y);

}  // namespace keratin::cuda
