// Devices: which exist, which one is current and why, and how to choose.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keratin/core/runtime/device_info.h"

namespace keratin {

class Backend;

// The devices that can be used now, e.g. {"cpu:0"} or {"cpu:0", "cuda:0"}, with their details; opens backend modules.
// `kind` "CPU" (which opens none) or "GPU" filters.
std::vector<DeviceInfo> list_physical_devices(const std::string& kind = "");
// Name, hardware, compute capability and versions of one device, or of the current one when `name` is empty.
DeviceInfo device_details(const std::string& name = "");

// Leaves these GPUs to the program and hides the others; {} hides all of them, and the CPU stays. "auto" takes the
// first that is left. Throws DeviceNotFound for a device that is not there, InvalidArgument when it would hide the
// device that the program asked for by name.
void set_visible_devices(const std::vector<std::string>& names);
// The names of the devices that are not hidden, {"cpu:0", "cuda:1"}.
std::vector<std::string> visible_devices(const std::string& kind = "");

// Why there is no GPU: one sentence, doctor's cause id, and what to do on this system. "" when there is one.
std::string gpu_unavailable_reason();
std::string gpu_unavailable_cause();
std::string gpu_unavailable_fix();

// The device that models and ops use in this thread. The first call decides "auto": CUDA when usable, else the CPU with
// the reason kept. What a Backend can do is in core/runtime/backend.h.
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
// Refuses plans that would make the named device (or the current one) hold more than `bytes`; 0 removes the limit.
// Nothing is allocated for a plan that is refused, and the error names the largest batch size that would fit.
void set_memory_limit(std::int64_t bytes, const std::string& name = "");

// Logs every plan that is made, step by step: op, layer, device, kernel and algorithm. KERATIN_LOG_DEVICE_PLACEMENT=1
// does so from the start.
void set_log_device_placement(bool log);
bool log_device_placement();

// How float32 products and convolutions are computed from now on; results are float32 at every level. `highest`, the
// CPU's default: in float32. `high`, the GPUs' default: TF32, on CPUs with AMX as sums of two bfloat16 numbers (16 bits
// of mantissa). `medium`: bfloat16 (7 bits), on CPUs with AMX or a fast AVX512_BF16. Where a device has nothing faster,
// a level means `highest`; `keratin devices` tells. KERATIN_FLOAT32_PRECISION=highest|high|medium sets the default.
void set_float32_precision(Precision precision);
Precision float32_precision();
// The same bits in every run; on the CPU always so.
void set_deterministic(bool deterministic);
// What plans are compiled with.
CompileOptions compile_options();
// How many threads the CPU backend uses. Results do not depend on it.
void set_num_threads(int threads);
int num_threads();

}  // namespace keratin
