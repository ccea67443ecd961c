#include "tests/support/modules.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "keratin/core/runtime/device.h"
#include "tests/build_paths.h"

namespace keratin::testing {

bool have_modules() { return std::filesystem::exists(module_folder() + "/libkeratin_reference.so"); }

std::string module_folder() {
  // Tests that were carried to another machine find their modules there.
  const char* folder = std::getenv("KERATIN_TEST_MODULES");
  return folder ? folder : KERATIN_BINARY_DIR "/modules";
}

std::string fake_module_folder(const std::string& variant) { return module_folder() + "/faults/" + variant; }

namespace {

std::shared_ptr<Backend> open_test_device(const char* name) {
  const char* path = std::getenv("KERATIN_BACKEND_PATH");
  std::string folders = path ? path : "";
  if (folders.find(module_folder()) == std::string::npos) {
    folders += (folders.empty() ? "" : ":") + module_folder();
    setenv("KERATIN_BACKEND_PATH", folders.c_str(), 1);
  }
  return open_device(name);
}

}  // namespace

std::shared_ptr<Backend> reference_device() { return open_test_device("reference:0"); }

bool have_simulated_gpu() { return std::filesystem::exists(module_folder() + "/libkeratin_cudasim.so"); }
std::shared_ptr<Backend> simulated_gpu() { return open_test_device("cudasim:0"); }

namespace {

// What a function of the simulator without arguments says.
std::string ask_simulator(const std::string& module_file, const char* function) {
  void* module = dlopen(module_file.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (!module) return "";  // nobody has opened it
  const auto ask = reinterpret_cast<const char* (*)()>(dlsym(module, function));
  std::string told = ask ? ask() : std::string(function) + " is missing in " + module_file;
  dlclose(module);
  return told;
}

}  // namespace

std::string broken_rules(const std::string& module_file) {
  return ask_simulator(module_file, "keratin_cudasim_broken_rules");
}
std::string graph_shape(const std::string& module_file) {
  return ask_simulator(module_file, "keratin_cudasim_graph_shape");
}

ScopedEnvironment::ScopedEnvironment(std::string name, const char* value) : name_(std::move(name)) {
  const char* old = std::getenv(name_.c_str());
  was_set_ = old != nullptr;
  if (old) old_ = old;
  if (value) {
    setenv(name_.c_str(), value, 1);
  } else {
    unsetenv(name_.c_str());
  }
}

ScopedEnvironment::~ScopedEnvironment() {
  if (was_set_) {
    setenv(name_.c_str(), old_.c_str(), 1);
  } else {
    unsetenv(name_.c_str());
  }
}

}  // namespace keratin::testing
