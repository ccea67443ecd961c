// NVIDIA's libraries with scripted answers: libcuda.so.1, libnvidia-ml.so.1, libcublasLt.so.13 and libcudnn.so.9, all
// from this file. The script is in KERATIN_FAKE_CUDA: "cuInit=803,version=12080,count=0". A function that the script
// names answers with its number, and "abort" or "hang" does that; the rest answers like a healthy machine with one
// H200. No header of CUDA is involved: these are the names and numbers of its binary interface.
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
  std::memset(uuid, 0x10 + device, 16);
  return 0;
}
int cuDeviceGetPCIBusId(char* bus, int size, int device) {
  std::snprintf(bus, static_cast<std::size_t>(size), "0000:%02x:00.0", 0x17 + device);
  return 0;
}
int cuDeviceGetAttribute(int* to, int attribute, int) {
  const long long capability = value("capability", 90);
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
  static char dummy;
  *context = &dummy;
  // "first_context" is of device 0 alone.
  if (device == 0 && !scripted("first_context").empty()) return result("first_context");
  return result("cuDevicePrimaryCtxRetain");
}
int cuCtxSetCurrent(void*) { return 0; }
int cuMemGetInfo_v2(std::size_t* free, std::size_t* total) {
  *free = static_cast<std::size_t>(value("free", kH200Bytes - (600 << 20)));
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
int nvmlDeviceGetHandleByIndex_v2(unsigned, void** device) {
  static char dummy;
  *device = &dummy;
  return result("nvmlDevice");
}
int nvmlDeviceGetName(void*, char* name, unsigned size) {
  copy(name, size, "NVIDIA H200");
  return 0;
}
int nvmlDeviceGetMemoryInfo(void*, FakeMemory* memory) {
  *memory = {kH200Bytes, kH200Bytes - (600 << 20), 600 << 20};
  return 0;
}
int nvmlDeviceGetMigMode(void*, unsigned* now, unsigned* pending) {
  *now = *pending = static_cast<unsigned>(value("mig", 0));
  return 0;
}
int nvmlDeviceGetTotalEccErrors(void*, int, int, unsigned long long* count) {
  *count = static_cast<unsigned long long>(value("ecc", 0));
  return 0;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void*, unsigned* count, FakeProcess* processes) {
  const unsigned there = static_cast<unsigned>(value("processes", 0));
  for (unsigned i = 0; i < there && i < *count; ++i) processes[i] = {4000 + i, 70ull << 30, 0, 0};
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
