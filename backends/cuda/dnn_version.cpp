#include "keratin/backends/cuda/dnn_version.h"

#include "keratin/backends/cuda/probe/libraries.h"

namespace keratin::cuda {

std::string dnn_fault(const dnn::Api& api, const std::string& path, int cuda_major) {
  if (const auto version = static_cast<long>(api.version()); version < probe::kOldestCudnn) {
    return path + " is cuDNN " + probe::cudnn_version_text(version) + "; 9.8 is the oldest that is used";
  }
  // Minor versions of the runtime mix; major ones do not.
  const int built_for = static_cast<int>(api.cudart_version() / 1000);
  if (built_for == cuda_major) return "";
  return path + " is built for CUDA " + std::to_string(built_for) + ", this backend for CUDA " +
         std::to_string(cuda_major);
}

}  // namespace keratin::cuda
