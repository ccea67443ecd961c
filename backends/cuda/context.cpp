#include "keratin/backends/cuda/context.h"

#include <algorithm>

#include "keratin/backends/cuda/api/kernel_image.h"
#include "keratin/backends/cuda/api/nvml.h"
#include "keratin/backends/cuda/conv_plan.h"
#include "keratin/backends/cuda/matmul_plan.h"
#include "keratin/backends/cuda/probe/error_cause.h"
#include "keratin/backends/cuda/recurrent_plan.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::cuda {
namespace {

// Of the current device; -1 when the driver does not tell. Makes the driver's context.
std::int64_t free_memory() {
  std::size_t free = 0, total = 0;
  if (runtime_api().memory_info(&free, &total) != 0) return -1;
  return static_cast<std::int64_t>(free);
}

std::int64_t bytes_in_use(int device) {
  char bus[32] = "";
  if (runtime_api().device_bus(bus, sizeof bus, device) != 0) return -1;
  return device_bytes_in_use(bus);
}

// What was taken between two measurements; nothing when one of them failed or others gave memory back.
std::int64_t taken(std::int64_t before, std::int64_t after) {
  return before < 0 || after < 0 ? 0 : std::max<std::int64_t>(after - before, 0);
}

// The current device may be older than the code of the module, or newer than its PTX allows.
void check_code(int capability) {
  const int error = load_empty_kernel();
  if (probe::cause_of(probe::kRuntimeCauses, error) != "arch_unsupported")
    return check_runtime(error, "cudaFuncGetAttributes");
  const RuntimeApi& api = runtime_api();
  api.last_error();
  const std::string number = std::to_string(capability);
  throw VersionMismatch("cuda: the module has no code for this GPU's compute capability, " +
                            std::to_string(capability / 10) + "." + std::to_string(capability % 10) +
                            ": cudaFuncGetAttributes gives " + api.error_name(error) + " (" + std::to_string(error) +
                            "); build Keratin for it, with -DCMAKE_CUDA_ARCHITECTURES=" + number,
                        "arch_unsupported");
}

}  // namespace

Context::Context(int device, const Libraries& libraries) : device_(device), libraries_(libraries) {
  const RuntimeApi& api = runtime_api();
  const std::int64_t used_before = bytes_in_use(device);
  activate();
  int major = 0, minor = 0;
  check_runtime(api.device_attribute(&major, kComputeMajor, device), "cudaDeviceGetAttribute");
  check_runtime(api.device_attribute(&minor, kComputeMinor, device), "cudaDeviceGetAttribute");
  compute_capability_ = 10 * major + minor;
  check_code(compute_capability_);
  check_runtime(api.stream_create(&stream_), "cudaStreamCreate");
  try {
    check_blas(blas(), blas().create(&blas_handle_), "cublasLtCreate");
  } catch (...) {
    api.stream_destroy(stream_);  // who asks for the device again must not find less of it
    throw;
  }
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
  free_memory();  // the context is made by now
  overhead_ = taken(used_before, bytes_in_use(device));
}

Context::~Context() {
  // Nobody could be told of an error here.
  convs.clear();
  recurrents.clear();
  matmuls.clear();
  if (dnn_handle_) libraries_.dnn->destroy(dnn_handle_);
  if (blas_handle_) blas().destroy(blas_handle_);
  drop_branch_streams();
  if (stream_) runtime_api().stream_destroy(stream_);
}

bool Context::make_branch_streams() {
  constexpr std::size_t kBranches = 3;  // besides the first: what a step of training has of them
  while (branch_streams_.size() < kBranches) {
    Stream stream = nullptr;
    if (runtime_api().stream_create(&stream) != 0) {
      runtime_api().last_error();
      return false;
    }
    branch_streams_.push_back(stream);
  }
  return true;
}

std::vector<Stream> Context::branch_streams() const {
  std::vector<Stream> all = {stream_};
  all.insert(all.end(), branch_streams_.begin(), branch_streams_.end());
  return all;
}

void Context::drop_branch_streams() {
  for (Stream stream : branch_streams_) runtime_api().stream_destroy(stream);
  branch_streams_.clear();
}

Context::OverheadMeter::OverheadMeter(Context& context) : context_(context), free_(free_memory()) {}
Context::OverheadMeter::~OverheadMeter() { context_.overhead_ += taken(free_memory(), free_); }

void Context::activate() const { check_runtime(runtime_api().set_device(device_), "cudaSetDevice"); }

}  // namespace keratin::cuda
