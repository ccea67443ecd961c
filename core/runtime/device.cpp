#include "keratin/core/runtime/device.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>

#include "keratin/core/runtime/loader.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"

namespace keratin {
namespace {

struct Opened {
  std::shared_ptr<Backend> backend;
  std::string name;
};

struct State {
  std::recursive_mutex mutex;
  std::map<std::string, LoadResult> modules;                 // by backend name, opened once
  std::map<std::string, std::shared_ptr<Backend>> backends;  // by device name
  Opened current;
  std::string reason;
  CompileOptions options;
};
State& state() {
  static State* instance = new State;  // never destroyed: models may outlive main's statics
  return *instance;
}
thread_local std::shared_ptr<Backend> scoped;

const LoadResult& module_of(const std::string& backend) {
  std::lock_guard lock(state().mutex);
  auto found = state().modules.find(backend);
  if (found == state().modules.end()) found = state().modules.emplace(backend, load_backend_module(backend)).first;
  return found->second;
}

// "cuda" -> {"cuda", 0}; "cuda:1" -> {"cuda", 1}
std::pair<std::string, int> parse(const std::string& name) {
  const std::size_t colon = name.find(':');
  std::string backend = name.substr(0, colon);
  if (backend == "gpu") backend = "cuda";
  int index = 0;
  if (colon != std::string::npos) {
    const std::string digits = name.substr(colon + 1);
    if (digits.empty() || digits.size() > 4 || digits.find_first_not_of("0123456789") != std::string::npos) {
      throw InvalidArgument("device name '" + name +
                            "' is malformed; expected 'auto', 'cpu', 'cuda' or 'cuda:<number>'");
    }
    index = std::stoi(digits);
  }
  if (backend.empty() || backend.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos) {
    throw InvalidArgument("device name '" + name + "' is malformed; expected 'auto', 'cpu', 'cuda' or 'cuda:<number>'");
  }
  return {backend, index};
}

std::string known_devices() {
  std::string result;
  for (const DeviceInfo& device : list_physical_devices()) result += (result.empty() ? "" : ", ") + device.name;
  return result;
}

// Decides the device of "auto", with the reason. Called with the lock held.
void choose_automatically() {
  State& s = state();
  const LoadResult& cuda = module_of("cuda");
  if (cuda.module) {
    try {
      s.current = {open_device("cuda:0"), "cuda:0"};
      s.reason = "cuda is available";
      return;
    } catch (const Error& error) {
      s.reason = "cuda is not available: " + std::string(error.what());
    }
  } else {
    s.reason = "cuda is not available: " + cuda.reason;
  }
  s.current = {open_device("cpu:0"), "cpu:0"};
  // A machine without the hardware is the normal case and needs no message; a GPU that cannot be used does.
  if (cuda.cause != "no_nvidia_hardware") log(LogLevel::warning, "running on cpu:0: " + s.reason);
}

void choose(const std::string& name) {
  State& s = state();
  if (name == "auto") return choose_automatically();
  const auto [backend, index] = parse(name);
  const std::string full = backend + ":" + std::to_string(index);
  s.current = {open_device(full), full};
  s.reason = "asked for by name";
}

void decide_if_needed() {
  State& s = state();
  if (s.current.backend) return;
  const char* wanted = std::getenv("KERATIN_DEVICE");
  choose(wanted && *wanted ? wanted : "auto");
  if (wanted && *wanted && std::string(wanted) != "auto") s.reason = "asked for by KERATIN_DEVICE";
}

}  // namespace

std::shared_ptr<Backend> open_device(const std::string& name) {
  const auto [backend, index] = parse(name);
  const std::string full = backend + ":" + std::to_string(index);
  std::lock_guard lock(state().mutex);
  if (auto found = state().backends.find(full); found != state().backends.end()) return found->second;
  const LoadResult& loaded = module_of(backend);
  if (!loaded.module) {
    throw DeviceNotFound("device \"" + full + "\": no such device. " + backend + " is not available: " + loaded.reason +
                             ". Devices: " + known_devices(),
                         loaded.cause);
  }
  if (index >= loaded.module->device_count()) {
    throw DeviceNotFound("device \"" + full + "\": no such device; " + backend + " has " +
                         std::to_string(loaded.module->device_count()) + ". Devices: " + known_devices());
  }
  std::shared_ptr<Backend> opened;
  try {
    opened = loaded.module->open(index);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw BackendError("device \"" + full + "\" could not be opened: " + error.what(), "module_broken");
  } catch (...) {
    throw BackendError("device \"" + full + "\" could not be opened: unknown exception", "module_broken");
  }
  if (!opened)
    throw DeviceNotFound("device \"" + full + "\" could not be opened by its backend module", "module_broken");
  state().backends.emplace(full, opened);
  return opened;
}

std::vector<DeviceInfo> list_physical_devices(const std::string& kind) {
  std::vector<DeviceInfo> result;
  std::lock_guard lock(state().mutex);
  for (const char* backend : {"cpu", "cuda"}) {
    const LoadResult& loaded = module_of(backend);
    if (!loaded.module) continue;
    for (int i = 0; i < loaded.module->device_count(); ++i) {
      try {
        const DeviceInfo info = open_device(std::string(backend) + ":" + std::to_string(i))->info();
        if (kind.empty() || kind == info.kind) result.push_back(info);
      } catch (const DeviceError& error) {
        log(LogLevel::warning, error.what());
      }
    }
  }
  return result;
}

std::shared_ptr<Backend> current_device() {
  if (scoped) return scoped;
  std::lock_guard lock(state().mutex);
  decide_if_needed();
  return state().current.backend;
}

std::string current_device_name() { return current_device()->info().name; }

std::string device_reason() {
  if (scoped) return "chosen by a DeviceScope";
  std::lock_guard lock(state().mutex);
  decide_if_needed();
  return state().reason;
}

void set_device(const std::string& name) {
  std::lock_guard lock(state().mutex);
  try {
    choose(name);
  } catch (const Error& error) {
    error.rethrow_in("set_device(\"" + name + "\")");
  }
}

DeviceScope::DeviceScope(const std::string& name) : previous_(scoped) {
  if (name == "auto") {
    std::lock_guard lock(state().mutex);
    decide_if_needed();
    scoped = state().current.backend;
  } else {
    scoped = open_device(name);
  }
}
DeviceScope::~DeviceScope() { scoped = previous_; }

MemoryInfo memory_info(const std::string& name) {
  return (name.empty() ? current_device() : open_device(name))->memory();
}

void set_memory_limit(std::int64_t bytes) {
  if (bytes < 0) throw InvalidArgument("set_memory_limit: expected bytes >= 0, got " + std::to_string(bytes));
  current_device()->set_memory_limit(bytes);
}

void set_float32_precision(Precision precision) {
  std::lock_guard lock(state().mutex);
  state().options.precision = precision;
}
Precision float32_precision() {
  std::lock_guard lock(state().mutex);
  return state().options.precision;
}
void set_deterministic(bool deterministic) {
  std::lock_guard lock(state().mutex);
  state().options.deterministic = deterministic;
}
CompileOptions compile_options() {
  std::lock_guard lock(state().mutex);
  return state().options;
}

}  // namespace keratin
