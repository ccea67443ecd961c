// The backend modules built for tests: where they are, and the reference device.
#pragma once

#include <memory>
#include <string>

#include "keratin/core/runtime/backend.h"

namespace keratin::testing {

// False in a static build, which has no backend modules: tests that need them skip.
bool have_modules();
// The folder of libkeratin_reference.so.
std::string module_folder();
// The folder of a variant of the fake module, e.g. "healthy" or "wrong_magic" (tests/support/fake_module).
std::string fake_module_folder(const std::string& variant);

// "reference:0", opened as any other device. Also adds module_folder() to KERATIN_BACKEND_PATH.
std::shared_ptr<Backend> reference_device();

// "cudasim:0": the CUDA backend's own sources on a GPU that is simulated on the host (tests/modules/cuda_simulator).
std::shared_ptr<Backend> simulated_gpu();
// Whether this build has it.
bool have_simulated_gpu();
// How many rules of real GPUs were broken on that of a module's file since this was last asked, and the last of them;
// "" when none was. The backend gets over many of them; on a real GPU it would be slower, or wrong.
std::string broken_rules(const std::string& module_file);
// Of the last graph made on it: "<nodes> <the most that come one after the other>".
std::string graph_shape(const std::string& module_file);

// Sets an environment variable, or removes it with nullptr, while the object lives.
class ScopedEnvironment {
 public:
  ScopedEnvironment(std::string name, const char* value);
  ~ScopedEnvironment();
  ScopedEnvironment(const ScopedEnvironment&) = delete;
  ScopedEnvironment& operator=(const ScopedEnvironment&) = delete;

 private:
  std::string name_, old_;
  bool was_set_;
};

}  // namespace keratin::testing
