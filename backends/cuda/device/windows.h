// Kernels of windows that slide over images (n, h, w, c): pooling, and convolution as a matrix product or directly.
#pragma once

#include "keratin/backends/cuda/device/launch.h"
#include "keratin/core/ops/detail/window_shape.h"
#include "keratin/core/tensor/dtype.h"

namespace keratin::cuda {

void max_pool(Stream stream, DType dtype, const WindowShape& shape, const void* x, void* y);
void average_pool(Stream stream, DType dtype, const WindowShape& shape, const void* x, void* y);
// The gradient goes to the first maximum of each window; every pixel of x collects what its windows send it.
void max_pool_gradient(Stream stream, DType dtype, const WindowShape& shape, const void* x, const void* y,
                       const void* dy, void* dx);
// The first maximum and which of its window's taps that is (uint8, padding included), and the gradient from that.
void max_pool_index(Stream stream, DType dtype, const WindowShape& shape, const void* x, void* y, void* index);
void max_pool_index_gradient(Stream stream, DType dtype, const WindowShape& shape, const void* index, const void* dy,
                             void* dx);
void average_pool_gradient(Stream stream, DType dtype, const WindowShape& shape, const void* dy, void* dx);

// The windows of the images [first, first + count) as rows: columns (count * oh * ow, kh * kw * c).
void windows_to_rows(Stream stream, DType dtype, const WindowShape& shape, i64 first, i64 count, const void* x,
                     void* columns);
// The sum of the rows over the windows that hold a pixel: dx of the images [first, first + count).
void rows_to_windows(Stream stream, DType dtype, const WindowShape& shape, i64 first, i64 count, const void* columns,
                     void* dx);

// Convolutions of any number of groups, one result element at a time: for what neither library nor matrix product does.
void direct_conv(Stream stream, DType dtype, const WindowShape& shape, const void* x, const void* kernel, void* y);
void direct_conv_input_gradient(Stream stream, DType dtype, const WindowShape& shape, const void* dy,
                                const void* kernel, void* dx);
void direct_conv_kernel_gradient(Stream stream, DType dtype, const WindowShape& shape, const void* x, const void* dy,
                                 void* dkernel);

}  // namespace keratin::cuda
