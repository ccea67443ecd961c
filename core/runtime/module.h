// The door of a backend module: what libkeratin asks a shared library for before it trusts it.
#pragma once

#include <memory>
#include <string>

#include "keratin/core/runtime/backend.h"

namespace keratin {

// Version, hash of the interface headers, compiler and standard-library ABI, sizes of the exchanged structs. A module
// is valid only for the build of libkeratin with the same fingerprint.
std::string build_fingerprint();

// The first two members never change, so that any build can read them; the rest is read after the fingerprints agree.
struct BackendModule {
  std::uint32_t magic = 0x4e52454bu;  // "KERN"
  const char* fingerprint = nullptr;
  const char* name = nullptr;                             // "cuda"
  int (*device_count)() = nullptr;                        // 0 when none is usable
  const char* (*unavailable_reason)() = nullptr;          // why device_count() is 0: one sentence
  const char* (*unavailable_cause)() = nullptr;           // the same as doctor's cause id
  std::unique_ptr<Backend> (*open)(int index) = nullptr;  // throws DeviceError
};

// Every module defines:  extern "C" const keratin::BackendModule* keratin_backend_module();
inline constexpr const char* kModuleEntry = "keratin_backend_module";

// The built-in CPU backend's door; defined in backends/cpu/module.cpp.
const BackendModule& cpu_module();

}  // namespace keratin
