// The door of libkeratin_reference.
#include "keratin/core/runtime/module.h"

#include "keratin/backends/reference/backend.h"
#include "keratin/core/runtime/detail/fingerprint.h"
#include "keratin/core/tensor/errors.h"

extern "C" const keratin::BackendModule* keratin_backend_module() {
  static const std::string fingerprint = keratin::detail::fingerprint_of_this_binary();
  static const keratin::BackendModule module = {
      .fingerprint = fingerprint.c_str(),
      .name = "reference",
      .device_count = [] { return 1; },
      .unavailable_reason = [] { return ""; },
      .unavailable_cause = [] { return ""; },
      .open = [](int index) -> std::unique_ptr<keratin::Backend> {
        if (index != 0) throw keratin::DeviceNotFound("reference:" + std::to_string(index) + " does not exist");
        return std::make_unique<keratin::reference::ReferenceBackend>();
      },
  };
  return &module;
}
