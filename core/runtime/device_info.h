// What there is to know of a device without the contract of backends: its details, its memory, and what plans are
// compiled with.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace keratin {

// PyTorch's meaning of float32 precision: highest is true float32; high allows TF32 or two bfloat16 numbers for each
// float32; medium one.
enum class Precision : std::uint8_t { highest, high, medium };

struct CompileOptions {
  Precision precision = Precision::highest;
  bool deterministic = false;
  // Whether the executable may keep what it makes of variables in its workspace from run to run, until it is told that
  // they changed. The workspace must then be its own.
  bool keeps_prepared = false;
};

struct DeviceInfo {
  std::string name;                                           // "cpu:0", "cuda:0"
  std::string kind;                                           // "CPU", "GPU"
  std::string description;                                    // the hardware's own name, cores, instruction set
  int compute_capability = 0;                                 // 90 for sm_90; 0 on CPUs
  std::vector<std::pair<std::string, std::string>> versions;  // library or driver and its version; "precision"
};

struct MemoryInfo {
  std::int64_t total = 0, free = 0;  // of the device, in bytes
  std::int64_t used = 0;             // allocated through this backend
  std::int64_t limit = 0;            // set by the user; 0: none
  std::int64_t overhead = 0;         // taken by the driver's context and the libraries, as measured; 0: unknown or none
};

}  // namespace keratin
