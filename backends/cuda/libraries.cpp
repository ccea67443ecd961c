#include "keratin/backends/cuda/libraries.h"

#include <dlfcn.h>

#include "keratin/backends/cuda/api/open.h"
#include "keratin/backends/cuda/dnn_version.h"

namespace keratin::cuda {
namespace {

std::string own_path() {
  Dl_info info{};
  return dladdr(reinterpret_cast<const void*>(&libraries), &info) != 0 && info.dli_fname ? info.dli_fname : "";
}

Libraries open_all() {
  static blas::Api blas;
  static dnn::Api dnn;
  Libraries result;
  int cuda = 0;
  runtime_api().runtime_version(&cuda);
  const probe::CudaLibraries found = probe::find_cuda_libraries(probe::System::host(), cuda / 1000, own_path());
  open_for_others(found.nvrtc);  // cuDNN compiles some kernels with it
  if (open_blas(found.cublas_lt, blas, result.blas_reason)) {
    result.blas = &blas;
    result.blas_path = found.cublas_lt.path;
  } else {
    result.blas_cause = found.cublas_lt.cause("cublas");
  }
  // cuDNN opens cuBLASLt by itself and finds the one that is open already.
  if (!open_dnn(found.cudnn, dnn, result.dnn_reason)) return result;
  result.dnn_reason = dnn_fault(dnn, found.cudnn.path, cuda / 1000);
  if (!result.dnn_reason.empty()) return result;
  result.dnn = &dnn;
  result.dnn_path = found.cudnn.path;
  return result;
}

}  // namespace

const Libraries& libraries() {
  static const Libraries all = open_all();
  return all;
}

}  // namespace keratin::cuda
