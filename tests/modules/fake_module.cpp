// The door of the fake module, healthy or with the one fault KERATIN_FAKE_FAULT.
#include <dlfcn.h>

#include <stdexcept>

#include "keratin/core/runtime/module.h"
#include "keratin/core/tensor/errors.h"
#include "tests/modules/fake_backend.h"

#ifdef KERATIN_FAKE_INTERFACE_HASH
// As if it had been compiled with other headers. It is known as another build only if a module carries its own
// fingerprint and not libkeratin's.
#undef KERATIN_INTERFACE_HASH
#define KERATIN_INTERFACE_HASH KERATIN_FAKE_INTERFACE_HASH
#endif
#include "keratin/core/runtime/detail/fingerprint.h"

namespace keratin::testing {

void nobody_defines_this();

namespace {

enum class Fault {
  healthy,
  other_interface,  // compiled with other interface headers (by CMake)
  wrong_magic,      // the entry is there but returns something else
  no_entry,         // a library of somebody else (the entry is renamed by CMake)
  null_entry,       // the entry returns no table
  entry_throws,
  entry_throws_int,
  null_fingerprint,  // the table is incomplete
  null_name,
  null_device_count,
  null_reason,
  null_cause,
  null_open,
  no_devices,                // with reason and cause
  old_driver,                // no devices: the driver is for an older CUDA
  no_devices_without_words,  // the functions for reason and cause return null
  count_throws,
  count_throws_int,
  open_throws,        // a DeviceError
  open_throws_other,  // an exception that is not Keratin's
  open_null,
  open_exclusive,    // a DeviceError with a cause of doctor's table
  first_exclusive,   // the same, of the first of the two devices; the other one has the CPU's kernels
  undefined_symbol,  // the library cannot be linked at run time
  other_name,        // a file renamed by somebody
  wrong_number,      // the CPU's kernels, but the results of one op are off by one
};
constexpr bool has(Fault fault) { return fault == Fault::KERATIN_FAKE_FAULT; }

// "fake" of libkeratin_fake.so: tests copy the file to give a module a name of its own.
const std::string& module_name() {
  static const std::string name = [] {
    if constexpr (has(Fault::other_name)) return std::string("somebody_else");
    Dl_info info{};
    if (dladdr(reinterpret_cast<const void*>(&module_name), &info) == 0) return std::string();
    const std::string path = info.dli_fname, prefix = "libkeratin_";
    const std::size_t begin = path.rfind(prefix) + prefix.size();
    const std::string stem = path.substr(begin, path.rfind(".so") - begin);
    return stem.starts_with("cuda") ? std::string("cuda") : stem;
  }();
  return name;
}

int device_count() {
  if constexpr (has(Fault::count_throws)) throw std::runtime_error("the bus is on fire");
  if constexpr (has(Fault::count_throws_int)) throw 42;
  if constexpr (has(Fault::no_devices) || has(Fault::old_driver) || has(Fault::no_devices_without_words)) return 0;
  return 2;
}

const char* unavailable_reason() {
  return has(Fault::no_devices_without_words) ? nullptr : "no fake hardware is plugged in";
}
const char* unavailable_cause() {
  if constexpr (has(Fault::old_driver)) return "driver_too_old";
  return has(Fault::no_devices_without_words) ? nullptr : "no_fake_hardware";
}

std::unique_ptr<Backend> open(int index) {
  if constexpr (has(Fault::open_throws)) throw DeviceError("the fake device is busy", "fake_busy");
  if constexpr (has(Fault::open_throws_other)) throw std::runtime_error("the fake driver gave up");
  if constexpr (has(Fault::open_null)) return nullptr;
  if (has(Fault::open_exclusive) || (has(Fault::first_exclusive) && index == 0)) {
    throw BackendError("the fake device is in exclusive mode", "device_exclusive");
  }
  if constexpr (has(Fault::undefined_symbol)) nobody_defines_this();
  if (has(Fault::wrong_number) || has(Fault::first_exclusive)) {
    return make_wrong_backend(module_name() + ":" + std::to_string(index));
  }
  return make_fake_backend(index);
}

BackendModule make_table() {
  static const std::string fingerprint = detail::fingerprint_of_this_binary();
  BackendModule table = {.fingerprint = fingerprint.c_str(),
                         .name = module_name().c_str(),
                         .device_count = device_count,
                         .unavailable_reason = unavailable_reason,
                         .unavailable_cause = unavailable_cause,
                         .open = open};
  if (has(Fault::wrong_magic)) table.magic = 0x464c457fu;
  if (has(Fault::null_fingerprint)) table.fingerprint = nullptr;
  if (has(Fault::null_name)) table.name = nullptr;
  if (has(Fault::null_device_count)) table.device_count = nullptr;
  if (has(Fault::null_reason)) table.unavailable_reason = nullptr;
  if (has(Fault::null_cause)) table.unavailable_cause = nullptr;
  if (has(Fault::null_open)) table.open = nullptr;
  return table;
}

}  // namespace
}  // namespace keratin::testing

extern "C" const keratin::BackendModule* keratin_backend_module() {
  using namespace keratin::testing;
  if constexpr (has(Fault::entry_throws)) throw std::runtime_error("out of order");
  if constexpr (has(Fault::entry_throws_int)) throw 42;
  static const keratin::BackendModule table = make_table();
  return has(Fault::null_entry) ? nullptr : &table;
}
