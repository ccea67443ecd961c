// Devices: which exist, which one is current and why, and how to choose.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keratin/core/runtime/backend.h"

namespace keratin {

// The devices that can be used now, e.g. {"cpu:0"} or {"cpu:0", "cuda:0"}; opens backend modules.
// `kind` "CPU" or "GPU" filters.
std::vector<DeviceInfo> list_physical_devices(const std::string& kind = "");

// The device that models and ops use in this thread. The first call decides "auto": CUDA when usable, else the CPU with
// the reason kept.
std::shared_ptr<Backend> current_device();
// "cpu:0", "cuda:0".
std::string current_device_name();
// Why the current device is used: "asked for by the program", "cuda is not available: no NVIDIA hardware", ...
std::string device_reason();

// "auto", "cpu", "cuda", "cpu:0", "cuda:1". Throws DeviceNotFound with the reason and the list of devices. "cpu" opens
// no backend module. Applies to every thread without a DeviceScope.
void set_device(const std::string& name);

// The device for this thread while the object lives.
class DeviceScope {
 public:
  explicit DeviceScope(const std::string& name);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  std::shared_ptr<Backend> previous_;
};

// The device of that name, opened when necessary.
std::shared_ptr<Backend> open_device(const std::string& name);

// Memory of the named device, or of the current one when `name` is empty.
MemoryInfo memory_info(const std::string& name = "");
// Refuses plans of the current device that would take more than `bytes`; 0 removes the limit.
void set_memory_limit(std::int64_t bytes);

// The options plans are compiled with.
void set_float32_precision(Precision precision);
Precision float32_precision();
void set_deterministic(bool deterministic);
CompileOptions compile_options();
// How many threads the CPU backend uses. Results do not depend on it.
void set_num_threads(int threads);
int num_threads();

}  // namespace keratin
