#include "keratin/backends/cuda/backend.h"

#include "keratin/backends/cuda/api/nvml.h"
#include "keratin/backends/cuda/executable.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::cuda {
namespace {

// 13000 -> "13.0"
std::string cuda_version(int number) {
  return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

// cuBLASLt: 130100 -> "13.1.0"; cuDNN: 91900 -> "9.19.0"
std::string library_version(std::size_t number) {
  return std::to_string(number / 10000) + "." + std::to_string(number / 100 % 100) + "." + std::to_string(number % 100);
}

std::string megabytes(std::int64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

CudaBackend::CudaBackend(const std::string& kind, int device, const Libraries& libraries)
    : context_(std::make_shared<Context>(device, libraries)), staging_(std::make_unique<Staging>(*context_)) {
  const RuntimeApi& api = runtime_api();
  char text[256] = "";
  check_runtime(api.device_name(text, sizeof text, device), "cudaGetDeviceProperties");
  int processors = 0, driver = 0, runtime = 0;
  check_runtime(api.device_attribute(&processors, kMultiprocessors, device), "cudaDeviceGetAttribute");
  check_runtime(api.driver_version(&driver), "cudaDriverGetVersion");
  check_runtime(api.runtime_version(&runtime), "cudaRuntimeGetVersion");
  info_ = {.name = kind + ":" + std::to_string(device),
           .kind = "GPU",
           .description = std::string(text) + ", " + std::to_string(processors) + " multiprocessors",
           .compute_capability = context_->compute_capability(),
           .versions = {{"CUDA driver", cuda_version(driver)},
                        {"CUDA runtime", cuda_version(runtime)},
                        {"cuBLASLt", library_version(context_->blas().version())}}};
  if (std::string release = driver_release(); !release.empty()) {
    info_.versions.insert(info_.versions.begin(), {"NVIDIA driver", std::move(release)});
  }
  info_.versions.emplace_back(
      "cuDNN", context_->dnn() ? library_version(context_->dnn()->version()) : "not used: " + context_->dnn_reason());
}

CudaBackend::~CudaBackend() {
  for (const auto& [memory, bytes] : sizes_) runtime_api().release(memory);
}

DeviceInfo CudaBackend::info() const { return info_; }

MemoryInfo CudaBackend::memory() const {
  const std::lock_guard lock(context_->mutex());
  context_->activate();
  std::size_t free = 0, total = 0;
  check_runtime(runtime_api().memory_info(&free, &total), "cudaMemGetInfo");
  const auto all = static_cast<std::int64_t>(total), rest = static_cast<std::int64_t>(free);
  return {.total = all, .free = rest, .used = used_, .limit = limit_, .overhead = context_->overhead()};
}

void CudaBackend::set_memory_limit(std::int64_t bytes) {
  const std::lock_guard lock(context_->mutex());
  limit_ = bytes;
}

void* CudaBackend::allocate(std::size_t bytes) {
  const std::lock_guard lock(context_->mutex());
  context_->activate();
  const auto wanted = static_cast<std::int64_t>(bytes);
  if (limit_ > 0 && (wanted < 0 || wanted > limit_ - used_)) {
    throw OutOfMemory(info_.name + ": " + std::to_string(bytes) + " bytes do not fit the memory limit of " +
                      std::to_string(limit_) + " bytes, of which " + std::to_string(used_) +
                      " are in use; raise the limit or use a smaller batch size");
  }
  void* memory = nullptr;
  const int error = runtime_api().allocate(&memory, std::max<std::size_t>(bytes, 1));
  if (error == kOutOfMemory) {
    runtime_api().last_error();
    const MemoryInfo now = this->memory();
    throw OutOfMemory(info_.name + ": no " + megabytes(wanted) + " of memory in one piece; " + megabytes(now.free) +
                      " of " + megabytes(now.total) + " are free, Keratin has " + megabytes(used_) +
                      "; use a smaller batch size or model, or end other programs on the GPU");
  }
  check_runtime(error, "cudaMalloc of " + std::to_string(bytes) + " bytes");
  sizes_.emplace(memory, wanted);
  used_ += wanted;
  return memory;
}

void CudaBackend::release(void* memory) {
  if (!memory) return;
  const std::lock_guard lock(context_->mutex());
  const auto found = sizes_.find(memory);
  if (found == sizes_.end()) throw InvalidArgument(info_.name + ": release of memory that was not allocated here");
  used_ -= found->second;
  sizes_.erase(found);
  // Only when the device no longer uses it. An error here is one of the work before, which those who wait for it were
  // told, or will be by the stream.
  const RuntimeApi& api = runtime_api();
  api.set_device(context_->device());
  api.stream_synchronize(context_->stream());
  api.release(memory);
  api.last_error();
}

void CudaBackend::upload(void* to, std::span<const std::byte> from) {
  const std::lock_guard lock(context_->mutex());
  context_->activate();
  staging_->upload(to, from);
}

void CudaBackend::download(std::span<std::byte> to, const void* from) {
  const std::lock_guard lock(context_->mutex());
  context_->activate();
  staging_->download(to, from);
}

void CudaBackend::synchronize() {
  const std::lock_guard lock(context_->mutex());
  context_->activate();
  check_runtime(runtime_api().stream_synchronize(context_->stream()), "cudaStreamSynchronize");
}

bool CudaBackend::supports(std::string_view op, const std::any& attrs, std::span<const SpecView> inputs,
                           std::span<const SpecView> outputs) const {
  return kernel_table().prepare({{op, attrs, inputs, outputs}, {}, *context_, true}) != nullptr;
}

std::unique_ptr<Executable> CudaBackend::prepare(const Plan& plan, const CompileOptions& options) {
  const std::lock_guard lock(context_->mutex());
  context_->activate();
  const Context::OverheadMeter meter(*context_);
  return std::make_unique<CudaExecutable>(context_, info_.name, plan, options);
}

}  // namespace keratin::cuda
