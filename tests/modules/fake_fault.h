// The one fault of a fake module; fake_fault.cpp, which is compiled for each of them, has it.
#pragma once

namespace keratin::testing {

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

extern const Fault kFault;

// Does nothing, but cannot be linked in the module with that fault.
void call_what_is_missing();

}  // namespace keratin::testing
