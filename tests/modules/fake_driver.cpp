// NVIDIA's libraries with scripted answers: libcuda.so.1, libnvidia-ml.so.1, libcublasLt.so.13 and libcudnn.so.9, all
// from this file. The script is in KERATIN_FAKE_CUDA: "cuInit=803,version=12080,count=0". A function that the script
// names answers with its number, and "abort" or "hang" does that; "mig@1=1" is an answer of device 1 alone. The rest
// answers like a healthy machine with one H200. No header of CUDA is involved: these are the names and numbers of its
// binary interface.
#include <cstdio>
#include <cstring>
#include <string>

#include "tests/modules/script.h"

namespace {

using keratin::testing::result;
using keratin::testing::scripted;
using keratin::testing::value;

constexpr long long kH200Bytes = 150754820096;

void copy(char* to, long size, const char* text) { std::snprintf(to, static_cast<std::size_t>(size), "%s", text); }

long long value_of(const char* name, int device, long long otherwise) {
  const std::string own = std::string(name) + "@" + std::to_string(device);
  return scripted(own.c_str()).empty() ? value(name, otherwise) : value(own.c_str(), otherwise);
}
int result_of(const char* name, int device) { return static_cast<int>(value_of(name, device, 0)); }

// Contexts and NVML's devices.
void* handle_of(int device) {
  static char handles[16];
  return handles + device;
}
int device_of(void* handle) { return static_cast<int>(static_cast<char*>(handle) - static_cast<char*>(handle_of(0))); }

int current_device = 0;

unsigned char uuid_byte(int device) { return static_cast<unsigned char>(0x10 + device); }

}  // namespace

extern "C" {

// ---- libcuda.so.1
// -----------------------------------------------------------------------------------------------------
int cuInit(unsigned) { return result("cuInit"); }
int cuDriverGetVersion(int* version) {
  *version = static_cast<int>(value("version", 13000));
  return result("cuDriverGetVersion");
}
int cuDeviceGetCount(int* count) {
  *count = static_cast<int>(value("count", 1));
  return result("cuDeviceGetCount");
}
int cuDeviceGet(int* device, int index) {
  *device = index;
  return result("cuDeviceGet");
}
int cuDeviceGetName(char* name, int size, int) {
  copy(name, size, "NVIDIA H200");
  return 0;
}
int cuDeviceTotalMem_v2(std::size_t* bytes, int) {
  *bytes = kH200Bytes;
  return 0;
}
int cuDeviceGetUuid(unsigned char* uuid, int device) {
  std::memset(uuid, uuid_byte(device), 16);
  return 0;
}
int cuDeviceGetPCIBusId(char* bus, int size, int device) {
  std::snprintf(bus, static_cast<std::size_t>(size), "0000:%02x:00.0", 0x17 + device);
  return 0;
}
int cuDeviceGetAttribute(int* to, int attribute, int device) {
  const long long capability = value_of("capability", device, 90);
  switch (attribute) {
    case 16: *to = 132; break;
    case 20: *to = static_cast<int>(value("mode", 0)); break;
    case 75: *to = static_cast<int>(capability / 10); break;
    case 76: *to = static_cast<int>(capability % 10); break;
    default: *to = 0;
  }
  return result("cuDeviceGetAttribute");
}
int cuDevicePrimaryCtxRetain(void** context, int device) {
  *context = handle_of(device);
  return result_of("cuDevicePrimaryCtxRetain", device);
}
int cuCtxSetCurrent(void* context) {
  current_device = device_of(context);
  return 0;
}
int cuMemGetInfo_v2(std::size_t* free, std::size_t* total) {
  *free = static_cast<std::size_t>(value_of("free", current_device, kH200Bytes - (600 << 20)));
  *total = kH200Bytes;
  return 0;
}

// ---- libnvidia-ml.so.1
// ------------------------------------------------------------------------------------------------
struct FakeMemory {
  unsigned long long total, free, used;
};
struct FakeProcess {
  unsigned pid;
  unsigned long long bytes;
  unsigned gpu_instance, compute_instance;
};
int nvmlInit_v2() { return result("nvmlInit"); }
int nvmlShutdown() { return 0; }
int nvmlSystemGetDriverVersion(char* version, unsigned size) {
  const std::string text = scripted("driver");
  copy(version, size, text.empty() ? "580.82.07" : text.c_str());
  return 0;
}
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(value("nvml_count", 1));
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  *device = handle_of(static_cast<int>(index));
  return result_of("nvmlDevice", static_cast<int>(index));
}
int nvmlDeviceGetName(void*, char* name, unsigned size) {
  copy(name, size, "NVIDIA H200");
  return 0;
}
int nvmlDeviceGetUUID(void* device, char* uuid, unsigned size) {
  std::string text = "GPU-";
  for (int i = 0; i < 16; ++i) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(uuid_byte(device_of(device))));
    text += i == 4 || i == 6 || i == 8 || i == 10 ? std::string("-") + digits : digits;
  }
  copy(uuid, size, text.c_str());
  return 0;
}
int nvmlDeviceGetMemoryInfo(void*, FakeMemory* memory) {
  *memory = {kH200Bytes, kH200Bytes - (600 << 20), 600 << 20};
  return 0;
}
int nvmlDeviceGetMigMode(void* device, unsigned* now, unsigned* pending) {
  *now = *pending = static_cast<unsigned>(value_of("mig", device_of(device), 0));
  return 0;
}
int nvmlDeviceGetTotalEccErrors(void* device, int, int, unsigned long long* count) {
  *count = static_cast<unsigned long long>(value_of("ecc", device_of(device), 0));
  return 0;
}
int nvmlDeviceGetRetiredPagesPendingStatus(void* device, int* pending) {
  *pending = result_of("pages_pending", device_of(device));
  return *pending == 0 ? 3 : 0;  // an H200 does not support it: it remaps rows
}
int nvmlDeviceGetRemappedRows(void* device, unsigned* corrected, unsigned* uncorrected, unsigned* pending,
                              unsigned* failed) {
  *corrected = *uncorrected = 0;
  *pending = static_cast<unsigned>(value_of("rows_pending", device_of(device), 0));
  *failed = static_cast<unsigned>(value_of("remap_failed", device_of(device), 0));
  return 0;
}
// Device 0's are 4000, 4001, ..., device 1's 4100, ...
int nvmlDeviceGetComputeRunningProcesses_v3(void* device, unsigned* count, FakeProcess* processes) {
  const unsigned first = 4000 + 100 * static_cast<unsigned>(device_of(device));
  const unsigned there = static_cast<unsigned>(value_of("processes", device_of(device), 0));
  for (unsigned i = 0; i < there && i < *count; ++i) processes[i] = {first + i, 70ull << 30, 0, 0};
  *count = there;
  return 0;
}

// ---- libcublasLt.so.13 and libcudnn.so.9
// ------------------------------------------------------------------------------
std::size_t cublasLtGetVersion() { return static_cast<std::size_t>(value("cublasLtGetVersion", 130100)); }
std::size_t cudnnGetVersion() { return static_cast<std::size_t>(value("cudnnGetVersion", 91900)); }
std::size_t cudnnGetCudartVersion() { return static_cast<std::size_t>(value("cudnnGetCudartVersion", 13010)); }
std::size_t cudnnGetMaxDeviceVersion() { return static_cast<std::size_t>(value("max_device", 1210)); }
int cudnnGraphVersionCheck() { return result("cudnnGraphVersionCheck"); }
int cudnnOpsVersionCheck() { return result("cudnnOpsVersionCheck"); }
int cudnnCnnVersionCheck() { return result("cudnnCnnVersionCheck"); }
int cudnnAdvVersionCheck() { return result("cudnnAdvVersionCheck"); }
}
