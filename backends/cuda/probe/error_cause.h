// What an error of CUDA's runtime, cuBLASLt or cuDNN means to a user: the id of doctor's table (probe/causes.cpp),
// which knows what to do about it. Needs no toolkit; api/check_constants.cpp compares the numbers with the headers.
#pragma once

#include <string_view>

namespace keratin::probe {

struct ErrorCause {
  int first, last;  // error codes
  const char* cause;
};

// Of cudaError_t. The probe reads the driver's codes, which are the same, with what else it knows of the machine.
inline constexpr ErrorCause kRuntimeCauses[] = {
    {2, 2, "memory_held"},       // nothing of the plan's memory: that is planned before, and refused in other words
    {3, 3, "no_usable_device"},  // the driver does not start
    {34, 34, "stub_driver"},
    {35, 35, "driver_too_old"},
    {46, 46, "device_exclusive"},
    {98, 98, "arch_unsupported"},  // the other answer to a kernel without code for the device
    {100, 101, "no_usable_device"},
    {209, 209, "arch_unsupported"},
    {214, 214, "device_lost"},  // ECC
    {220, 220, "device_lost"},  // NVLink
    {221, 222, "jit_missing"},
    {223, 223, "arch_unsupported"},  // only PTX, and its compiler is switched off
    {226, 226, "device_lost"},
    {802, 802, "fabric_manager"},
    {803, 803, "driver_mismatch"},
    {804, 804, "compat_unsupported"},
    {805, 810, "mps_trouble"},
    {999, 999, "no_usable_device"},
};
// Of cublasStatus_t.
inline constexpr ErrorCause kBlasCauses[] = {{3, 3, "memory_held"}, {8, 8, "arch_unsupported"}};
// Of cudnnStatus_t.
inline constexpr ErrorCause kDnnCauses[] = {
    {1002, 1002, "cudnn_mixed"},      {1008, 1008, "cudnn_broken"}, {3005, 3005, "driver_too_old"},
    {3006, 3006, "cudnn_other_cuda"}, {3009, 3009, "cudnn_broken"}, {4004, 4004, "memory_held"},
};

// Errors that no entry explains are those of a computation: doctor repeats a small one and compares it.
template <int n>
constexpr std::string_view cause_of(const ErrorCause (&table)[n], int error) {
  for (const ErrorCause& entry : table) {
    if (error >= entry.first && error <= entry.last) return entry.cause;
  }
  return "compute_failed";
}

}  // namespace keratin::probe
