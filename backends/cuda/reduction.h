// Reductions as parts of other kernels.
#pragma once

#include <vector>

#include "keratin/backends/cuda/device/reduce.h"
#include "keratin/backends/cuda/kernel.h"

namespace keratin::cuda {

// Of an array whose axes are joined: sizes are (kept, reduced, kept, reduced, ..., kept), as
// op_support::reduced_sizes makes them. The result is multiplied by `scale`; that of integers is not.
KernelPtr make_reduction(Reduction op, DType dtype, std::vector<i64> sizes, double scale);

}  // namespace keratin::cuda
