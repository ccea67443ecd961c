// FakeBackend: a device that counts calls and computes nothing: its results are the zeros of fresh memory. And a device
// that computes like the CPU, except that one op gives a wrong number.
#pragma once

#include <memory>
#include <string>

#include "keratin/core/runtime/backend.h"

namespace keratin::testing {

std::unique_ptr<Backend> make_fake_backend(int index);
std::unique_ptr<Backend> make_wrong_backend(const std::string& device);  // "fake:0"

}  // namespace keratin::testing

// What a test asks of the module, by dlsym. `call` is one of open, allocate, release, upload, download, synchronize,
// prepare, bind, run; "step" counts the steps that runs went through, "used" the bytes allocated now.
extern "C" {
long keratin_fake_count(const char* call);
// The next such call throws BackendError("fake: <call> failed as asked for", "fake_failure").
void keratin_fake_fail_next(const char* call);
// What the devices report as free, in bytes; 1 GiB at first.
void keratin_fake_set_free_memory(long long bytes);
// From the plans prepared next on, the middle element of the first result of this op is 1 too large in the wrong
// backend;
// "" for none.
void keratin_fake_set_wrong_op(const char* op);
// Forgets counts and failures.
void keratin_fake_reset();
}
