// Errors of CUDA's libraries as exceptions: the failed call and the library's own text.
#pragma once

#include <string_view>

#include "keratin/backends/cuda/api/blas.h"
#include "keratin/backends/cuda/api/dnn.h"
#include "keratin/backends/cuda/api/runtime.h"

namespace keratin::cuda {

// Throws BackendError, or OutOfMemory when that is what the runtime says.
void check_runtime(int error, std::string_view call);
void check_blas(const blas::Api& api, int status, std::string_view call);
void check_dnn(const dnn::Api& api, int status, std::string_view call);

}  // namespace keratin::cuda
