#include "keratin/backends/cuda/api/open.h"

#include <dlfcn.h>

namespace keratin::cuda {
namespace {

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
  bool complete(const probe::LibrarySearch& found, std::string& reason) const {
    if (!missing.empty()) reason = found.path + " has no function " + missing;
    return missing.empty();
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

}  // namespace

bool open_blas(const probe::LibrarySearch& found, blas::Api& api, std::string& reason) {
  void* handle = open_library(found, reason);
  if (!handle) return false;
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
  return get.complete(found, reason);
}

bool open_dnn(const probe::LibrarySearch& found, dnn::Api& api, std::string& reason) {
  void* handle = open_library(found, reason);
  if (!handle) return false;
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
  get(api.rnn.create, "cudnnCreateRNNDescriptor");
  get(api.rnn.destroy, "cudnnDestroyRNNDescriptor");
  get(api.rnn.set, "cudnnSetRNNDescriptor_v8");
  get(api.rnn.data_create, "cudnnCreateRNNDataDescriptor");
  get(api.rnn.data_destroy, "cudnnDestroyRNNDataDescriptor");
  get(api.rnn.data_set, "cudnnSetRNNDataDescriptor");
  get(api.rnn.tensor_create, "cudnnCreateTensorDescriptor");
  get(api.rnn.tensor_destroy, "cudnnDestroyTensorDescriptor");
  get(api.rnn.tensor_set, "cudnnSetTensorNdDescriptor");
  get(api.rnn.tensor_get, "cudnnGetTensorNdDescriptor");
  get(api.rnn.dropout_create, "cudnnCreateDropoutDescriptor");
  get(api.rnn.dropout_destroy, "cudnnDestroyDropoutDescriptor");
  get(api.rnn.dropout_set, "cudnnSetDropoutDescriptor");
  get(api.rnn.weight_bytes, "cudnnGetRNNWeightSpaceSize");
  get(api.rnn.weight_places, "cudnnGetRNNWeightParams");
  get(api.rnn.space_bytes, "cudnnGetRNNTempSpaceSizes");
  get(api.rnn.forward, "cudnnRNNForward");
  get(api.rnn.backward_data, "cudnnRNNBackwardData_v8");
  get(api.rnn.backward_weights, "cudnnRNNBackwardWeights_v8");
  return get.complete(found, reason);
}

void open_for_others(const probe::LibrarySearch& found) {
  if (found.found()) dlopen(found.path.c_str(), RTLD_NOW | RTLD_LOCAL);
}

}  // namespace keratin::cuda
