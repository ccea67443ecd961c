// What is in use of a device's memory, by all programs: told by NVML, which needs no context.
#pragma once

#include <cstdint>
#include <string>

namespace keratin::cuda {

// Bytes in use of the device at this place ("00000000:17:00.0"); nothing is opened for good. -1: NVML cannot tell. The
// tests' simulator has its own definition.
std::int64_t device_bytes_in_use(const std::string& bus);

}  // namespace keratin::cuda
