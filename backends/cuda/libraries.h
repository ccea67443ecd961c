// cuBLASLt and cuDNN, opened at run time: tables of their functions and where they came from.
#pragma once

#include <string>

#include "keratin/backends/cuda/api/blas.h"
#include "keratin/backends/cuda/api/dnn.h"

namespace keratin::cuda {

struct Libraries {
  const blas::Api* blas = nullptr;  // null: the backend cannot be used
  const dnn::Api* dnn = nullptr;    // null: convolutions are matrix products
  std::string blas_path, dnn_path;
  std::string blas_reason, blas_cause;  // why it is null, and the same as an id of doctor's table
  std::string dnn_reason;
};

// Opened once in a process, kept open. The tests' simulator has its own definition.
const Libraries& libraries();

}  // namespace keratin::cuda
