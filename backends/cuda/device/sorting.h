// Order and running sums.
#pragma once

#include "keratin/backends/cuda/device/launch.h"
#include "keratin/core/tensor/dtype.h"

namespace keratin::cuda {

// Indices that sort each row of `size` elements; equal ones keep their order, NaN comes last. In short rows each
// element counts those before it, in one launch and without memory; long ones are cut into runs that are sorted so and
// then merged two by two, where each element finds its place in the other run by bisection.
struct SortShape {
  DType dtype = DType::float32;
  i64 rows = 0, size = 0;
  i64 workspace_bytes() const;
};
// `sorted` gets the elements in order and may be null.
void argsort(Stream stream, const SortShape& shape, const void* x, std::int32_t* order, void* sorted, void* workspace);

// Sums over the middle axis of (outer, size, inner): by a thread for each sum, or, where these are few and long, in
// blocks whose own sums are summed up first. The order of the additions depends on the sizes only.
struct CumsumShape {
  DType dtype = DType::float32;
  i64 outer = 0, size = 0, inner = 0;
  bool reverse = false;
  i64 workspace_bytes() const;
};
void cumsum(Stream stream, const CumsumShape& shape, const void* x, void* y, void* workspace);

// dtable (table_rows, row) = for each id the sum of the rows of dy with this id; ids outside of the table count
// nothing. Without atomic additions: either every element of the table looks through the ids, or these are sorted and
// each element adds up the rows of its own ones, blocks of equal ids from sums made before.
struct TakeGradientShape {
  DType dtype = DType::float32;  // floating
  i64 table_rows = 0, row = 0, count = 0;
  bool sorts() const;
  i64 workspace_bytes() const;
};
void take_gradient(Stream stream, const TakeGradientShape& shape, const void* dy, const std::int32_t* ids, void* dtable,
                   void* workspace);

}  // namespace keratin::cuda
