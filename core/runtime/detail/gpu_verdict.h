// Why this machine's GPU cannot be used. Declared here for the loader and defined in backends/cuda/probe, which needs
// no toolkit and is part of libkeratin.
#pragma once

#include <string>

namespace keratin::detail {

struct GpuVerdict {
  std::string cause;  // doctor's id; "none" when nothing was found
  std::string text;   // one sentence
  std::string fix;    // for this system
};

// From files alone: whether there is a GPU or a trace of one. Opens no library.
bool nvidia_hardware_is_visible();

// Asks the driver's library in this process when there is hardware: for a module (of this CUDA major version, at this
// path) that found no device.
GpuVerdict explain_missing_gpu(int cuda_major, const std::string& module_path);

// The fix for a cause id on this system, for the module that it would use; "" for an id that is not in doctor's table.
std::string fix_of_cause(const std::string& cause);

// Whether this id is in doctor's table.
bool is_cause(const std::string& cause);

}  // namespace keratin::detail
