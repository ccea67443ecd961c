#include "keratin/backends/cuda/probe/driver.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>

#include "keratin/backends/cuda/probe/isolated.h"

namespace keratin::probe {
namespace {

// Device attributes of the driver API.
constexpr int kMultiprocessors = 16, kComputeMode = 20, kCapabilityMajor = 75, kCapabilityMinor = 76;
constexpr int kNvmlUncorrected = 1, kNvmlSinceBoot = 0;

struct Uuid {
  unsigned char bytes[16];
};

// A function of the library, or null when it has none of that name.
template <class F>
F* function(void* library, const char* name) {
  return reinterpret_cast<F*>(dlsym(library, name));
}

// Opens the first of these names; fills path and error.
template <std::size_t N, std::size_t M>
void* open_first(const System& system, const std::vector<std::string>& names, const char* symbol, char (&path)[N],
                 char (&error)[M]) {
  std::string first_error;
  for (const std::string& name : names) {
    std::string why;
    void* library = system.open(name, why);
    void* address = library ? dlsym(library, symbol) : nullptr;
    if (library && !address) why = name + " has no function " + symbol;
    if (address) {
      Dl_info info{};
      set_text(path, dladdr(address, &info) != 0 && info.dli_fname ? info.dli_fname : name);
      return library;
    }
    if (first_error.empty()) first_error = why;
  }
  set_text(error, first_error);
  return nullptr;
}

std::string uuid_text(const Uuid& uuid) {
  std::string text = "GPU-";
  for (int i = 0; i < 16; ++i) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(uuid.bytes[i]));
    text += digits;
    if (i == 3 || i == 5 || i == 7 || i == 9) text += '-';
  }
  return text;
}

void open_device(void* library, int device, DriverReport& report, DriverGpu& gpu) {
  const auto retain = function<int(void**, int)>(library, "cuDevicePrimaryCtxRetain");
  const auto make_current = function<int(void*)>(library, "cuCtxSetCurrent");
  const auto memory = function<int(std::size_t*, std::size_t*)>(library, "cuMemGetInfo_v2");
  if (!retain || !make_current || !memory) return;
  void* context = nullptr;
  set_text(report.stage, "cuDevicePrimaryCtxRetain");
  gpu.context_result = retain(&context, device);
  if (gpu.context_result != 0) return;
  make_current(context);
  std::size_t free = 0, total = 0;
  set_text(report.stage, "cuMemGetInfo");
  if (memory(&free, &total) == 0) {
    gpu.free_bytes = static_cast<std::int64_t>(free);
    gpu.total_bytes = static_cast<std::int64_t>(total);
  }
  // The context is not released: the process ends, and destroying it is one more thing that may hang.
}

void describe_device(void* library, int index, bool open, DriverReport& report, DriverGpu& gpu) {
  const auto get = function<int(int*, int)>(library, "cuDeviceGet");
  const auto name = function<int(char*, int, int)>(library, "cuDeviceGetName");
  const auto attribute = function<int(int*, int, int)>(library, "cuDeviceGetAttribute");
  const auto total = function<int(std::size_t*, int)>(library, "cuDeviceTotalMem_v2");
  const auto uuid = function<int(Uuid*, int)>(library, "cuDeviceGetUuid");
  const auto bus = function<int(char*, int, int)>(library, "cuDeviceGetPCIBusId");
  int device = 0;
  set_text(report.stage, "cuDeviceGet");
  if (!get || get(&device, index) != 0) return;
  if (name) name(gpu.name, sizeof gpu.name, device);
  if (attribute) {
    int major = 0, minor = 0;
    attribute(&major, kCapabilityMajor, device);
    attribute(&minor, kCapabilityMinor, device);
    gpu.capability = 10 * major + minor;
    attribute(&gpu.multiprocessors, kMultiprocessors, device);
    attribute(&gpu.compute_mode, kComputeMode, device);
  }
  std::size_t bytes = 0;
  if (total && total(&bytes, device) == 0) gpu.total_bytes = static_cast<std::int64_t>(bytes);
  if (Uuid id{}; uuid && uuid(&id, device) == 0) set_text(gpu.uuid, uuid_text(id));
  if (bus) bus(gpu.bus, sizeof gpu.bus, device);
  if (open) open_device(library, device, report, gpu);
}

// nvmlMemory_t and nvmlProcessInfo_t, versions 1 and 2 of NVML's interface.
struct NvmlMemory {
  unsigned long long total, free, used;
};
struct NvmlProcessInfo {
  unsigned pid;
  unsigned long long bytes;
  unsigned gpu_instance, compute_instance;
};

void ask_nvml_device(void* library, unsigned index, NvmlReport& report, NvmlGpu& gpu) {
  using Device = void*;
  const auto get = function<int(unsigned, Device*)>(library, "nvmlDeviceGetHandleByIndex_v2");
  const auto name = function<int(Device, char*, unsigned)>(library, "nvmlDeviceGetName");
  const auto memory = function<int(Device, NvmlMemory*)>(library, "nvmlDeviceGetMemoryInfo");
  const auto mig = function<int(Device, unsigned*, unsigned*)>(library, "nvmlDeviceGetMigMode");
  const auto uuid = function<int(Device, char*, unsigned)>(library, "nvmlDeviceGetUUID");
  const auto errors = function<int(Device, int, int, unsigned long long*)>(library, "nvmlDeviceGetTotalEccErrors");
  const auto pages = function<int(Device, int*)>(library, "nvmlDeviceGetRetiredPagesPendingStatus");
  const auto rows =
      function<int(Device, unsigned*, unsigned*, unsigned*, unsigned*)>(library, "nvmlDeviceGetRemappedRows");
  auto processes =
      function<int(Device, unsigned*, NvmlProcessInfo*)>(library, "nvmlDeviceGetComputeRunningProcesses_v3");
  if (!processes) {
    processes = function<int(Device, unsigned*, NvmlProcessInfo*)>(library, "nvmlDeviceGetComputeRunningProcesses_v2");
  }
  Device device = nullptr;
  set_text(report.stage, "nvmlDeviceGetHandleByIndex");
  gpu.result = get ? get(index, &device) : kNotCalled;
  if (gpu.result != 0) return;
  set_text(report.stage, "nvmlDeviceGetMemoryInfo");
  if (name) name(device, gpu.name, sizeof gpu.name);
  if (uuid) uuid(device, gpu.uuid, sizeof gpu.uuid);
  if (NvmlMemory bytes{}; memory && memory(device, &bytes) == 0) {
    gpu.total_bytes = static_cast<std::int64_t>(bytes.total);
    gpu.free_bytes = static_cast<std::int64_t>(bytes.free);
  }
  if (unsigned now = 0, pending = 0; mig && mig(device, &now, &pending) == 0) gpu.mig = static_cast<int>(now);
  if (unsigned long long count = 0; errors && errors(device, kNvmlUncorrected, kNvmlSinceBoot, &count) == 0) {
    gpu.uncorrected_errors = static_cast<std::int64_t>(count);
  }
  if (int pending = 0; pages && pages(device, &pending) == 0) gpu.pages_pending = pending != 0;
  unsigned corrected = 0, uncorrected = 0, pending = 0, failed = 0;
  if (rows && rows(device, &corrected, &uncorrected, &pending, &failed) == 0) {
    gpu.rows_pending = pending != 0;
    gpu.remap_failed = failed != 0;
  }
  NvmlProcessInfo list[64]{};
  unsigned count = 64;
  if (!processes || processes(device, &count, list) != 0) return;
  gpu.processes = static_cast<int>(count);
  for (int i = 0; i < std::min(gpu.processes, NvmlGpu::kMaxProcesses); ++i) {
    gpu.process[i] = {list[i].pid, static_cast<std::int64_t>(list[i].bytes)};
  }
}

}  // namespace

DriverReport empty_driver_report() {
  DriverReport report{};
  report.version_result = report.init_result = report.count_result = kNotCalled;
  for (DriverGpu& gpu : report.gpus) gpu.context_result = kNotCalled;
  return report;
}

NvmlReport empty_nvml_report() {
  NvmlReport report{};
  report.init_result = kNotCalled;
  for (NvmlGpu& gpu : report.gpus) gpu.result = kNotCalled;
  return report;
}

void ask_driver(const System& system, bool open_devices, DriverReport& report) {
  set_text(report.stage, "dlopen");
  std::vector<std::string> names = {"libcuda.so.1"};
  // WSL keeps Windows' library in a folder that is not always searched.
  if (system.exists("/usr/lib/wsl/lib/libcuda.so.1")) names.push_back(system.in_root("/usr/lib/wsl/lib/libcuda.so.1"));
  void* library = open_first(system, names, "cuInit", report.path, report.error);
  if (!library) return;
  const auto version = function<int(int*)>(library, "cuDriverGetVersion");
  const auto init = function<int(unsigned)>(library, "cuInit");
  const auto count = function<int(int*)>(library, "cuDeviceGetCount");
  set_text(report.stage, "cuDriverGetVersion");
  if (version) report.version_result = version(&report.version);
  set_text(report.stage, "cuInit");
  report.init_result = init(0);
  if (report.init_result != 0 || !count) return;
  set_text(report.stage, "cuDeviceGetCount");
  report.count_result = count(&report.count);
  for (int i = 0; i < std::min(report.count, DriverReport::kMaxGpus); ++i) {
    describe_device(library, i, open_devices, report, report.gpus[i]);
  }
  set_text(report.stage, "");
}

void ask_nvml(const System& system, NvmlReport& report) {
  set_text(report.stage, "dlopen");
  std::vector<std::string> names = {"libnvidia-ml.so.1"};
  if (system.exists("/usr/lib/wsl/lib/libnvidia-ml.so.1")) {
    names.push_back(system.in_root("/usr/lib/wsl/lib/libnvidia-ml.so.1"));
  }
  void* library = open_first(system, names, "nvmlInit_v2", report.path, report.error);
  if (!library) return;
  const auto version = function<int(char*, unsigned)>(library, "nvmlSystemGetDriverVersion");
  const auto count = function<int(unsigned*)>(library, "nvmlDeviceGetCount_v2");
  const auto shut_down = function<int()>(library, "nvmlShutdown");
  set_text(report.stage, "nvmlInit");
  report.init_result = function<int()>(library, "nvmlInit_v2")();
  if (report.init_result != 0) return;
  if (version) version(report.driver, sizeof report.driver);
  unsigned devices = 0;
  if (count && count(&devices) == 0) report.count = static_cast<int>(devices);
  for (int i = 0; i < std::min(report.count, DriverReport::kMaxGpus); ++i) {
    ask_nvml_device(library, static_cast<unsigned>(i), report, report.gpus[i]);
  }
  if (shut_down) shut_down();
  set_text(report.stage, "");
}

std::string driver_error_text(int code) {
  const struct {
    int code;
    const char* text;
  } texts[] = {{2, "out of memory"},
               {3, "not initialised"},
               {34, "stub library"},
               {46, "device unavailable"},
               {100, "no device"},
               {101, "invalid device"},
               {209, "no code for this GPU"},
               {214, "uncorrectable memory error"},
               {220, "link error"},
               {221, "compiler not found"},
               {222, "code too new for the driver's compiler"},
               {226, "error contained"},
               {304, "operating system call failed"},
               {802, "system not ready"},
               {803, "driver and library of different versions"},
               {804, "compatibility package not supported on this device"},
               {805, "MPS connection failed"},
               {806, "MPS failure"},
               {807, "MPS server not ready"},
               {808, "MPS client limit"},
               {809, "MPS connection limit"},
               {810, "MPS client terminated"},
               {999, "unknown error"}};
  std::string text = "CUDA error " + std::to_string(code);
  for (const auto& known : texts) {
    if (known.code == code) text += " (" + std::string(known.text) + ")";
  }
  return text;
}

}  // namespace keratin::probe
