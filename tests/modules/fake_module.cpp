// The door of the fake module, healthy or with one fault.
#include <dlfcn.h>

#include <stdexcept>

#include "keratin/core/runtime/module.h"
#include "keratin/core/tensor/errors.h"
#include "tests/modules/fake_backend.h"
#include "tests/modules/fake_fault.h"

#ifdef KERATIN_FAKE_INTERFACE_HASH
// As if it had been compiled with other headers. It is known as another build only if a module carries its own
// fingerprint and not libkeratin's.
#undef KERATIN_INTERFACE_HASH
#define KERATIN_INTERFACE_HASH KERATIN_FAKE_INTERFACE_HASH
#endif
#include "keratin/core/runtime/detail/fingerprint.h"

namespace keratin::testing {

namespace {

bool has(Fault fault) { return fault == kFault; }

// "fake" of libkeratin_fake.so: tests copy the file to give a module a name of its own.
const std::string& module_name() {
  static const std::string name = [] {
    if (has(Fault::other_name)) return std::string("somebody_else");
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
  if (has(Fault::count_throws)) throw std::runtime_error("the bus is on fire");
  if (has(Fault::count_throws_int)) throw 42;
  if (has(Fault::no_devices) || has(Fault::old_driver) || has(Fault::no_devices_without_words)) return 0;
  return 2;
}

const char* unavailable_reason() {
  return has(Fault::no_devices_without_words) ? nullptr : "no fake hardware is plugged in";
}
const char* unavailable_cause() {
  if (has(Fault::old_driver)) return "driver_too_old";
  return has(Fault::no_devices_without_words) ? nullptr : "no_fake_hardware";
}

std::unique_ptr<Backend> open(int index) {
  if (has(Fault::open_throws)) throw DeviceError("the fake device is busy", "fake_busy");
  if (has(Fault::open_throws_other)) throw std::runtime_error("the fake driver gave up");
  if (has(Fault::open_null)) return nullptr;
  if (has(Fault::open_exclusive) || (has(Fault::first_exclusive) && index == 0)) {
    throw BackendError("the fake device is in exclusive mode", "device_exclusive");
  }
  call_what_is_missing();
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
  if (has(Fault::entry_throws)) throw std::runtime_error("out of order");
  if (has(Fault::entry_throws_int)) throw 42;
  static const keratin::BackendModule table = make_table();
  return has(Fault::null_entry) ? nullptr : &table;
}
