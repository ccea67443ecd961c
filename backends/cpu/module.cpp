// The door of the CPU backend, which is linked into libkeratin.
#include "keratin/core/runtime/module.h"

#include "keratin/backends/cpu/backend.h"

namespace keratin {

const BackendModule& cpu_module() {
  static const std::string fingerprint = build_fingerprint();
  static const BackendModule module = {
      .fingerprint = fingerprint.c_str(),
      .name = "cpu",
      .device_count = [] { return 1; },
      .unavailable_reason = []() -> const char* { return ""; },
      .unavailable_cause = []() -> const char* { return ""; },
      .open = [](int) -> std::unique_ptr<Backend> { return std::make_unique<cpu::CpuBackend>(); }};
  return module;
}

}  // namespace keratin
