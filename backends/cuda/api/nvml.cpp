#include "keratin/backends/cuda/api/nvml.h"

#include <dlfcn.h>

namespace keratin::cuda {
namespace {

struct Memory {  // nvmlMemory_t
  unsigned long long total, free, used;
};
using Device = void*;

// NVML while it is open.
class Nvml {
 public:
  Nvml() {
    // The second is where WSL keeps it.
    for (const char* name : {"libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1"}) {
      if (!library_) library_ = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    }
    const auto begin = function<int()>("nvmlInit_v2");
    open_ = begin && begin() == 0;
  }
  ~Nvml() {
    const auto end = function<int()>("nvmlShutdown");
    if (open_ && end) end();
    // The library stays: the driver's own does not survive being closed and opened again everywhere.
  }
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  bool open() const { return open_; }
  template <class F>
  F* function(const char* name) const {
    return library_ ? reinterpret_cast<F*>(dlsym(library_, name)) : nullptr;
  }

 private:
  void* library_ = nullptr;
  bool open_ = false;
};

}  // namespace

std::int64_t device_bytes_in_use(const std::string& bus) {
  const Nvml nvml;
  if (!nvml.open()) return -1;
  const auto by_bus = nvml.function<int(const char*, Device*)>("nvmlDeviceGetHandleByPciBusId_v2");
  const auto memory = nvml.function<int(Device, Memory*)>("nvmlDeviceGetMemoryInfo");
  Device device = nullptr;
  Memory bytes{};
  if (!by_bus || !memory || by_bus(bus.c_str(), &device) != 0 || memory(device, &bytes) != 0) return -1;
  return static_cast<std::int64_t>(bytes.total - bytes.free);
}

std::string driver_release() {
  const Nvml nvml;
  const auto version = nvml.function<int(char*, unsigned)>("nvmlSystemGetDriverVersion");
  char text[96] = "";  // NVML wants 80
  return nvml.open() && version && version(text, sizeof text) == 0 ? text : "";
}

}  // namespace keratin::cuda
