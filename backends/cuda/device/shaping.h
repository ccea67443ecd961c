// Kernels that move elements: by an index computed from their place, by ids, or by the cursor of a data set.
#pragma once

#include "keratin/backends/cuda/device/index.h"
#include "keratin/core/tensor/dtype.h"

namespace keratin::cuda {

// y[y_offset + b(i)] = x[x_offset + a(i)] for i in [0, n), with the strides of x at [0] and of y at [1]. Elements of 1,
// 4 or 8 bytes.
struct StridedCopy {
  i64 n = 0, x_offset = 0, y_offset = 0;
  Strided<2> at = {};
};
void strided_copy(Stream stream, std::size_t element, const StridedCopy& copy, const void* x, void* y);
// A matrix (batches, rows, columns) -> (batches, columns, rows).
void transpose(Stream stream, std::size_t element, i64 batches, i64 rows, i64 columns, const void* x, void* y);
// y[i] = the element whose bits are in `bits`
void fill(Stream stream, std::size_t element, std::uint64_t bits, void* y, i64 n);
// y[i] = the index on an axis of `size` with `inner` elements behind it
void iota(Stream stream, DType dtype, i64 size, i64 inner, void* y, i64 n);

// Rows of `row` elements; ids outside of [0, table_rows) give zeros.
void take(Stream stream, std::size_t element, i64 table_rows, i64 row, const void* table, const std::int32_t* ids,
          i64 count, void* y);

struct BatchGather {
  i64 batch = 0, row = 0;
  double scale = 1, offset = 0;
};
// base: the address of the data; cursor: see core/ops/gather.h.
void batch_gather(Stream stream, DType from, DType to, const BatchGather& gather, const i64* base, const i64* cursor,
                  void* y);
void advance(Stream stream, i64 batch, const i64* cursor, i64* y);

}  // namespace keratin::cuda
