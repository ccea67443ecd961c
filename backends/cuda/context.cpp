#include "keratin/backends/cuda/context.h"

#include "keratin/backends/cuda/conv_plan.h"
#include "keratin/backends/cuda/matmul_plan.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::cuda {
namespace {

std::int64_t free_memory() {
  std::size_t free = 0, total = 0;
  check_runtime(runtime_api().memory_info(&free, &total), "cudaMemGetInfo");
  return static_cast<std::int64_t>(free);
}

}  // namespace

Context::Context(int device, const Libraries& libraries) : device_(device), libraries_(libraries) {
  const RuntimeApi& api = runtime_api();
  activate();
  int major = 0, minor = 0;
  check_runtime(api.device_attribute(&major, kComputeMajor, device), "cudaDeviceGetAttribute");
  check_runtime(api.device_attribute(&minor, kComputeMinor, device), "cudaDeviceGetAttribute");
  compute_capability_ = 10 * major + minor;
  const std::int64_t free_before = free_memory();  // makes the driver's context
  check_runtime(api.stream_create(&stream_), "cudaStreamCreate");
  check_blas(blas(), blas().create(&blas_handle_), "cublasLtCreate");
  if (!libraries_.dnn) {
    dnn_reason_ = libraries_.dnn_reason;
  } else {
    const dnn::Api& dnn = *libraries_.dnn;
    try {
      check_dnn(dnn, dnn.create(&dnn_handle_), "cudnnCreate");
      check_dnn(dnn, dnn.set_stream(dnn_handle_, stream_), "cudnnSetStream");
    } catch (const Error& error) {
      // Without cuDNN convolutions are slower, and that is all.
      dnn_reason_ = error.what();
      if (dnn_handle_) dnn.destroy(dnn_handle_);
      dnn_handle_ = nullptr;
    }
  }
  library_bytes_ = free_before - free_memory();
}

Context::~Context() {
  // Nobody could be told of an error here.
  convs.clear();
  matmuls.clear();
  if (dnn_handle_) libraries_.dnn->destroy(dnn_handle_);
  if (blas_handle_) blas().destroy(blas_handle_);
  if (stream_) runtime_api().stream_destroy(stream_);
}

void Context::activate() const { check_runtime(runtime_api().set_device(device_), "cudaSetDevice"); }

}  // namespace keratin::cuda
