// Reductions of (outer, reduce, inner) arrays over the middle axis, in an order that depends on the sizes only.
#pragma once

#include "keratin/backends/cuda/device/launch.h"
#include "keratin/core/tensor/dtype.h"

namespace keratin::cuda {

enum class Reduction : std::uint8_t { sum, max, min, prod };

struct ReduceShape {
  i64 outer = 1, reduce = 1, inner = 1;
  i64 block_rows = 1;  // of each piece of the middle axis that is reduced by itself: y is (outer, blocks, inner)
  i64 blocks() const { return reduce <= block_rows ? 1 : (reduce + block_rows - 1) / block_rows; }
};

// y = reduction * scale; the scale is for floating sums.
void reduce(Stream stream, Reduction op, DType dtype, const ReduceShape& shape, const void* x, double scale, void* y);
// The first of equal maxima; a NaN is larger than any number.
void argmax(Stream stream, DType dtype, i64 outer, i64 reduce, i64 inner, const void* x, std::int32_t* y);

}  // namespace keratin::cuda
