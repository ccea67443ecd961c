// What NVML tells, which needs no context: what is in use of a device's memory, by all programs, and the driver's own
// version.
#pragma once

#include <cstdint>
#include <string>

namespace keratin::cuda {

// Bytes in use of the device at this place ("00000000:17:00.0"); nothing is opened for good. -1: NVML cannot tell. The
// tests' simulator has its own definition.
std::int64_t device_bytes_in_use(const std::string& bus);
// "580.82.07"; "" when NVML cannot tell. The simulator has its own, too.
std::string driver_release();

}  // namespace keratin::cuda
