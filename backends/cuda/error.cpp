#include "keratin/backends/cuda/error.h"

#include <string>

#include "keratin/backends/cuda/probe/error_cause.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::cuda {

void check_runtime(int error, std::string_view call) {
  if (error == 0) return;
  const RuntimeApi& api = runtime_api();
  api.last_error();  // or the next launch would be blamed for it
  const std::string text = "cuda: " + std::string(call) + " failed: " + api.error_name(error) + " (" +
                           std::to_string(error) + "), " + api.error_text(error);
  const std::string cause(probe::cause_of(probe::kRuntimeCauses, error));
  if (error == kOutOfMemory) {
    throw OutOfMemory(text + "; use a smaller batch size or model, or end other programs on the GPU", cause);
  }
  throw BackendError(text, cause);
}

void check_blas(const blas::Api& api, int status, std::string_view call) {
  if (status == blas::kSuccess) return;
  throw BackendError("cuda: " + std::string(call) + " failed: " + api.status_text(status),
                     std::string(probe::cause_of(probe::kBlasCauses, status)));
}

void check_dnn(const dnn::Api& api, int status, std::string_view call) {
  if (status == dnn::kSuccess) return;
  char text[1024] = "";
  api.last_error(text, sizeof text);
  throw BackendError("cuda: " + std::string(call) + " failed: " + api.status_text(status) +
                         (text[0] ? std::string(", ") + text : std::string()),
                     std::string(probe::cause_of(probe::kDnnCauses, status)));
}

}  // namespace keratin::cuda
