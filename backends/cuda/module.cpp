// The door of the CUDA backend.
#include "keratin/core/runtime/module.h"

#include <algorithm>

#include "keratin/backends/cuda/backend.h"
#include "keratin/backends/cuda/probe/versions.h"
#include "keratin/core/runtime/detail/fingerprint.h"
#include "keratin/core/tensor/errors.h"

#ifndef KERATIN_CUDA_NAME
#define KERATIN_CUDA_NAME "cuda"  // the tests' simulator has another one
#endif

namespace keratin::cuda {
namespace {

// The loader then asks the driver and the machine's files, which know more.
constexpr const char* kAskTheProbe = "no_usable_device";

struct Availability {
  int devices = 0;
  std::string reason, cause;
};

std::string runtime_text(int error) {
  return std::string(runtime_api().error_name(error)) + " (" + std::to_string(error) + "), " +
         runtime_api().error_text(error);
}

Availability refuse(std::string reason, std::string cause) { return {0, std::move(reason), std::move(cause)}; }

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// The cheapest questions first; nothing is allocated on a device.
Availability look() {
  const RuntimeApi& api = runtime_api();
  int driver = 0, runtime = 0, count = 0;
  api.driver_version(&driver);
  api.runtime_version(&runtime);
  const int error = api.device_count(&count);
  if (error == kInsufficientDriver) {
    api.last_error();
    if (driver == 0) return refuse("no NVIDIA driver can be reached", kAskTheProbe);
    return refuse("the NVIDIA driver is for CUDA " + version_text(driver) + ", this backend needs CUDA " +
                      version_text(runtime / 1000 * 1000) + " or newer",
                  "driver_too_old");
  }
  if (error == kNoDevice || (error == 0 && count == 0)) {
    api.last_error();
    return refuse("the NVIDIA driver shows no device", kAskTheProbe);
  }
  if (error != 0) {
    api.last_error();
    return refuse("the NVIDIA driver answers " + runtime_text(error),
                  error == kStubLibrary ? "stub_driver" : kAskTheProbe);
  }
  int best = 0;
  for (int device = 0; device < count; ++device) {
    int major = 0, minor = 0;
    if (api.device_attribute(&major, kComputeMajor, device) == 0 &&
        api.device_attribute(&minor, kComputeMinor, device) == 0) {
      best = std::max(best, 10 * major + minor);
    }
  }
  if (best < probe::kLeastCapability) {
    return refuse("the GPU has compute capability " + std::to_string(best / 10) + "." + std::to_string(best % 10) +
                      "; 7.5 is the least that is supported",
                  "arch_unsupported");
  }
  if (!libraries().blas) return refuse("cuBLASLt cannot be used: " + libraries().blas_reason, libraries().blas_cause);
  return {count, "", ""};
}

const Availability& availability() {
  static const Availability found = look();
  return found;
}

std::unique_ptr<Backend> open(int index) {
  if (index < 0 || index >= availability().devices) {
    throw DeviceNotFound(KERATIN_CUDA_NAME ":" + std::to_string(index) + " does not exist");
  }
  return std::make_unique<CudaBackend>(KERATIN_CUDA_NAME, index, libraries());
}

}  // namespace
}  // namespace keratin::cuda

extern "C" __attribute__((visibility("default"))) const keratin::BackendModule* keratin_backend_module() {
  static const std::string fingerprint = keratin::detail::fingerprint_of_this_binary();
  static const keratin::BackendModule module = {
      .fingerprint = fingerprint.c_str(),
      .name = KERATIN_CUDA_NAME,
      .device_count = [] { return keratin::cuda::availability().devices; },
      .unavailable_reason = [] { return keratin::cuda::availability().reason.c_str(); },
      .unavailable_cause = [] { return keratin::cuda::availability().cause.c_str(); },
      .open = keratin::cuda::open,
  };
  return &module;
}
