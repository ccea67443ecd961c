// Whether a cuDNN that was found will do.
#pragma once

#include <string>

#include "keratin/backends/cuda/api/dnn.h"

namespace keratin::cuda {

// "" or why this cuDNN, of the file at `path`, is not used by a backend of this CUDA major version.
std::string dnn_fault(const dnn::Api& api, const std::string& path, int cuda_major);

}  // namespace keratin::cuda
