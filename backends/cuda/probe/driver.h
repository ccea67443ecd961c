// What the driver's libraries tell: libcuda.so.1 (the driver API) and libnvidia-ml.so.1 (NVML), both by dlopen.
#pragma once

#include <cstdint>

#include "keratin/backends/cuda/probe/system.h"

namespace keratin::probe {

// Results of the driver API and of NVML that the causes ask for.
inline constexpr int kNotCalled = -1;

struct DriverGpu {
  char name[96];
  char uuid[48];   // "GPU-1b2c..."
  char bus[24];    // "0000:17:00.0"
  int capability;  // 90 for 9.0
  int multiprocessors;
  int compute_mode;    // 0 default, 2 prohibited, 3 exclusive
  int context_result;  // of opening the device; kNotCalled when it was not tried
  std::int64_t total_bytes, free_bytes;
};

// Plain data: it is filled in memory shared with another process.
struct DriverReport {
  static constexpr int kMaxGpus = 16;
  char stage[40];   // the call that was begun last
  char path[512];   // of the library that was opened; "" when none was
  char error[512];  // why it could not be opened
  int version;      // of CUDA that the driver offers: 13000; 0 when unknown
  int version_result, init_result, count_result;
  int count;  // of devices; at most kMaxGpus are described
  DriverGpu gpus[kMaxGpus];
};

struct NvmlProcess {
  unsigned pid;
  std::int64_t bytes;
};

struct NvmlGpu {
  static constexpr int kMaxProcesses = 8;
  char name[96];
  char uuid[96];  // as the driver's
  int mig;        // 1 when MIG is on
  int result;     // of asking for the device
  std::int64_t total_bytes, free_bytes, uncorrected_errors;
  // Damaged memory: older GPUs retire pages, newer ones remap rows; pending until the next reset.
  bool pages_pending, rows_pending, remap_failed;
  int processes;  // that compute on it; at most kMaxProcesses are listed
  NvmlProcess process[kMaxProcesses];
};

struct NvmlReport {
  char stage[40];
  char path[512];
  char error[512];
  int init_result;
  char driver[80];  // version
  int count;
  NvmlGpu gpus[DriverReport::kMaxGpus];
};

DriverReport empty_driver_report();
NvmlReport empty_nvml_report();

// `open_devices`: also opens each device, which tells whether it can be used and its free memory; for child processes.
void ask_driver(const System& system, bool open_devices, DriverReport& report);
void ask_nvml(const System& system, NvmlReport& report);

// "cuda error 803 (system has unsupported display driver / cuda driver combination)" for the codes that matter.
std::string driver_error_text(int code);

}  // namespace keratin::probe
