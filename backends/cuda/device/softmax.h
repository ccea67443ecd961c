// Softmax and its kin, and the losses of integer labels: one team of threads for each row of the last axis.
#pragma once

#include "keratin/backends/cuda/device/launch.h"
#include "keratin/core/tensor/dtype.h"

namespace keratin::cuda {

void softmax(Stream stream, DType dtype, bool log, i64 rows, i64 columns, const void* x, void* y);
void softmax_gradient(Stream stream, DType dtype, bool log, i64 rows, i64 columns, const void* dy, const void* y,
                      void* dx);
// A label outside of [0, columns) gives NaN.
void sparse_crossentropy(Stream stream, DType dtype, bool from_logits, i64 rows, i64 columns, const void* x,
                         const std::int32_t* labels, void* loss);
void sparse_crossentropy_gradient(Stream stream, DType dtype, bool from_logits, i64 rows, i64 columns, const void* dy,
                                  const void* x, const std::int32_t* labels, void* dx);

}  // namespace keratin::cuda
