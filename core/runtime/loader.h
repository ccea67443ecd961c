// The loader: opens backend modules through their one door and keeps the reason when one cannot be used.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keratin/core/runtime/module.h"

namespace keratin {

struct LoadResult {
  const BackendModule* module = nullptr;  // null when unusable
  std::string path;                       // of the file that was opened, or last tried
  std::string reason;                     // why `module` is null, one sentence
  std::string cause;                      // doctor's cause id
};

// Opens the backend called `name` ("cuda", "reference"): the built-in one for "cpu", otherwise libkeratin_<name>*.so in
// KERATIN_BACKEND_PATH and, unless that has an entry "-", beside libkeratin, never in the current directory. A module
// must call itself by that name, or by what stands before an underscore in it ("cuda" in libkeratin_cuda_debug.so).
// Modules are opened once and never unloaded. Nothing is thrown: every fault ends in a reason.
LoadResult load_backend_module(const std::string& name);

// The files that would be tried for this backend, in order; "cpu" has none.
std::vector<std::string> backend_module_files(const std::string& name);

// Whether this machine has an NVIDIA GPU that the kernel can see (PCI, device nodes or WSL's).
bool has_nvidia_hardware();

}  // namespace keratin
