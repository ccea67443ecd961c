// cuBLASLt of the simulator.
#pragma once

#include "keratin/backends/cuda/api/blas.h"

namespace keratin::cuda::simulator {
const blas::Api& blas_api();
}  // namespace keratin::cuda::simulator
