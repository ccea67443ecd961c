#include "keratin/backends/cuda/libraries.h"

#include <dlfcn.h>

#include "keratin/backends/cuda/probe/library_search.h"

namespace keratin::cuda {
namespace {

std::string own_path() {
  Dl_info info{};
  return dladdr(reinterpret_cast<const void*>(&libraries), &info) != 0 && info.dli_fname ? info.dli_fname : "";
}

std::string dl_text() {
  const char* text = dlerror();
  return text ? text : "unknown error";
}

// The functions of a library by name; remembers the first one that is not there.
struct Symbols {
  void* handle;
  std::string missing;

  template <class F>
  void operator()(F*& function, const char* name) {
    function = reinterpret_cast<F*>(dlsym(handle, name));
    if (!function && missing.empty()) missing = name;
  }
};

void* open_library(const probe::LibrarySearch& found, std::string& reason) {
  if (!found.found()) {
    reason = found.failure();
    return nullptr;
  }
  // A lone libcudnn.so.9 ends the process in its first call: its parts first, by absolute path.
  for (const std::string& part : found.parts) {
    if (dlopen(part.c_str(), RTLD_NOW | RTLD_LOCAL)) continue;
    reason = part + " cannot be opened: " + dl_text();
    return nullptr;
  }
  void* handle = dlopen(found.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) reason = found.path + " cannot be opened: " + dl_text();
  return handle;
}

void open_blas(const probe::LibrarySearch& found, Libraries& libraries) {
  void* handle = open_library(found, libraries.blas_reason);
  if (!handle) return;
  static blas::Api api;
  Symbols get{handle, ""};
  get(api.create, "cublasLtCreate");
  get(api.destroy, "cublasLtDestroy");
  get(api.version, "cublasLtGetVersion");
  get(api.status_text, "cublasLtGetStatusString");
  get(api.desc_create, "cublasLtMatmulDescCreate");
  get(api.desc_destroy, "cublasLtMatmulDescDestroy");
  get(api.desc_set, "cublasLtMatmulDescSetAttribute");
  get(api.layout_create, "cublasLtMatrixLayoutCreate");
  get(api.layout_destroy, "cublasLtMatrixLayoutDestroy");
  get(api.layout_set, "cublasLtMatrixLayoutSetAttribute");
  get(api.preference_create, "cublasLtMatmulPreferenceCreate");
  get(api.preference_destroy, "cublasLtMatmulPreferenceDestroy");
  get(api.preference_set, "cublasLtMatmulPreferenceSetAttribute");
  get(api.heuristic, "cublasLtMatmulAlgoGetHeuristic");
  get(api.matmul, "cublasLtMatmul");
  if (!get.missing.empty()) {
    libraries.blas_reason = found.path + " has no function " + get.missing;
    return;
  }
  libraries.blas = &api;
  libraries.blas_path = found.path;
}

void open_dnn(const probe::LibrarySearch& found, Libraries& libraries) {
  void* handle = open_library(found, libraries.dnn_reason);
  if (!handle) return;
  static dnn::Api api;
  Symbols get{handle, ""};
  get(api.create, "cudnnCreate");
  get(api.destroy, "cudnnDestroy");
  get(api.set_stream, "cudnnSetStream");
  get(api.version, "cudnnGetVersion");
  get(api.cudart_version, "cudnnGetCudartVersion");
  get(api.status_text, "cudnnGetErrorString");
  get(api.last_error, "cudnnGetLastErrorString");
  get(api.descriptor_create, "cudnnBackendCreateDescriptor");
  get(api.descriptor_destroy, "cudnnBackendDestroyDescriptor");
  get(api.descriptor_finalize, "cudnnBackendFinalize");
  get(api.descriptor_set, "cudnnBackendSetAttribute");
  get(api.descriptor_get, "cudnnBackendGetAttribute");
  get(api.execute, "cudnnBackendExecute");
  if (!get.missing.empty()) {
    libraries.dnn_reason = found.path + " has no function " + get.missing;
    return;
  }
  // Minor versions of the runtime mix; major ones do not.
  int cuda = 0;
  runtime_api().runtime_version(&cuda);
  const int built_for = static_cast<int>(api.cudart_version() / 1000);
  if (built_for != cuda / 1000) {
    libraries.dnn_reason = found.path + " is built for CUDA " + std::to_string(built_for) + ", this backend for CUDA " +
                           std::to_string(cuda / 1000);
    return;
  }
  libraries.dnn = &api;
  libraries.dnn_path = found.path;
}

Libraries open_all() {
  Libraries result;
  int cuda = 0;
  runtime_api().runtime_version(&cuda);
  const probe::CudaLibraries found = probe::find_cuda_libraries(probe::System(), cuda / 1000, own_path());
  // Where cuDNN looks for it when it compiles a kernel; nothing is lost without.
  if (found.nvrtc.found()) dlopen(found.nvrtc.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  open_blas(found.cublas_lt, result);
  // cuDNN opens cuBLASLt by itself and finds the one that is open already.
  open_dnn(found.cudnn, result);
  return result;
}

}  // namespace

const Libraries& libraries() {
  static const Libraries all = open_all();
  return all;
}

}  // namespace keratin::cuda
