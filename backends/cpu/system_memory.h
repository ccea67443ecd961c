// How much memory this machine, or the container around this process, has.
#pragma once

#include <cstdint>
#include <string>

namespace keratin::cpu {

struct SystemMemory {
  std::int64_t total = 0, free = 0;  // bytes; 0 when the system does not tell
};

// The kernel's MemTotal and MemAvailable, or less where a cgroup (version 1 or 2) has a limit. `root` is the root of
// the file system; tests pass a folder of their own.
SystemMemory system_memory(const std::string& root = "/");

// The CPU's own name, e.g. "AMD EPYC 7763 64-Core Processor"; "CPU" when the system does not tell.
std::string cpu_model_name(const std::string& root = "/");

}  // namespace keratin::cpu
