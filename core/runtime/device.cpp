#include "keratin/core/runtime/device.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <initializer_list>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "keratin/core/runtime/detail/gpu_verdict.h"
#include "keratin/core/runtime/loader.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"

namespace keratin {
namespace {

bool environment_flag(const char* name) {
  const char* value = std::getenv(name);
  return value && std::string(value) == "1";
}

struct Opened {
  std::shared_ptr<Backend> backend;
  std::string name;
};

// Why a device could not be opened.
struct Fault {
  std::string reason, cause;
};

struct State {
  std::recursive_mutex mutex;
  std::map<std::string, LoadResult> modules;                 // by backend name, opened once
  std::map<std::string, std::shared_ptr<Backend>> backends;  // by device name
  std::map<std::string, Fault> faults;                       // of devices whose last opening failed
  Opened current;
  bool automatic = false;  // `current` was chosen, not asked for
  std::string reason;
  bool warned = false;                 // of a GPU that cannot be used
  std::optional<Precision> precision;  // not set: the device's default
  bool deterministic = false;
  std::optional<std::vector<std::string>> visible;  // GPUs that may be used, by full name; empty: all
  // Set by the program or, before it says anything, by the environment.
  std::atomic<bool> log_placement{environment_flag("KERATIN_LOG_DEVICE_PLACEMENT")};
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

bool is_visible(const std::string& full_name) {
  const auto& visible = state().visible;
  return !visible || full_name.starts_with("cpu:") ||
         std::find(visible->begin(), visible->end(), full_name) != visible->end();
}

std::string without_stop(std::string sentence) {
  while (sentence.ends_with('.')) sentence.pop_back();
  return sentence;
}

// The reason for which a backend cannot be used, with the way out as far as doctor knows one.
std::string reason_with_fix(const std::string& backend, const LoadResult& loaded) {
  std::string text = backend + " is not available: " + without_stop(loaded.reason);
  const bool can_be_fixed = backend == "cuda" && loaded.cause != "no_nvidia_hardware";
  const std::string fix = can_be_fixed ? detail::fix_of_cause(loaded.cause) : "";
  if (!fix.empty()) text += " (cause: " + loaded.cause + "). Fix: " + without_stop(fix);
  return text;
}

// The class of the error says what kind of cause it is.
[[noreturn]] void throw_not_found(const std::string& message, const std::string& cause) {
  const auto is = [&](std::initializer_list<std::string_view> ids) {
    return std::find(ids.begin(), ids.end(), cause) != ids.end();
  };
  if (is({"driver_library_missing", "cublas_missing", "module_missing"})) throw LibraryMissing(message, cause);
  if (is({"driver_too_old", "driver_mismatch", "library_wrong_major", "module_mismatch", "arch_unsupported"})) {
    throw VersionMismatch(message, cause);
  }
  throw DeviceNotFound(message, cause);
}

// Takes the first GPU that may be used and can be opened; false leaves the reason.
bool choose_a_gpu(const LoadResult& cuda) {
  State& s = state();
  if (!cuda.module) {
    s.reason = "cuda is not available: " + cuda.reason;
    return false;
  }
  s.reason = "cuda is not available: every GPU is hidden by set_visible_devices";
  std::string first_fault;
  for (int i = 0; i < cuda.module->device_count(); ++i) {
    const std::string name = "cuda:" + std::to_string(i);
    if (!is_visible(name)) continue;
    try {
      s.current = {open_device(name), name};
      s.reason = "cuda is available";
      return true;
    } catch (const Error& error) {
      if (first_fault.empty()) first_fault = error.what();
    }
  }
  if (!first_fault.empty()) s.reason = "cuda is not available: " + first_fault;
  return false;
}

// Why there is no GPU that may be used and can be opened; nothing when there is one. Called with the lock held.
std::optional<Fault> gpu_fault() {
  const LoadResult& cuda = module_of("cuda");
  if (!cuda.module) return Fault{cuda.reason, cuda.cause};
  std::optional<Fault> first;
  for (int i = 0; i < cuda.module->device_count(); ++i) {
    const std::string name = "cuda:" + std::to_string(i);
    if (!is_visible(name)) continue;
    // What failed before is not tried again here: three questions in a row get one answer. set_device and
    // list_physical_devices do try again.
    auto fault = state().faults.find(name);
    if (fault == state().faults.end()) {
      try {
        open_device(name);
        return std::nullopt;
      } catch (const DeviceError&) {
        fault = state().faults.find(name);  // where it was kept
      }
    }
    if (!first) first = fault->second;
  }
  return first;
}

// A device of a module. Throws DeviceError, whatever the module throws.
std::shared_ptr<Backend> open_in_module(const BackendModule& module, const std::string& full, int index) {
  const std::string where = "device \"" + full + "\" could not be opened";
  std::shared_ptr<Backend> opened;
  try {
    opened = module.open(index);
  } catch (const DeviceError& error) {
    error.rethrow_in(where);
  } catch (const std::exception& error) {
    throw BackendError(where + ": " + error.what(), "module_broken");
  } catch (...) {
    throw BackendError(where + ": unknown exception", "module_broken");
  }
  if (!opened) throw DeviceNotFound(where + " by its backend module", "module_broken");
  return opened;
}

// Decides the device of "auto", with the reason. Called with the lock held.
void choose_automatically() {
  State& s = state();
  s.automatic = true;
  const LoadResult& cuda = module_of("cuda");
  if (choose_a_gpu(cuda)) return;
  s.current = {open_device("cpu:0"), "cpu:0"};
  // A machine without the hardware is the normal case and needs no message, and so does a program that hides its GPUs;
  // a GPU that cannot be used does.
  if (s.visible || cuda.cause == "no_nvidia_hardware" || !detail::nvidia_hardware_is_visible()) return;
  if (std::exchange(s.warned, true)) return;
  log(LogLevel::warning, "running on cpu:0: " + without_stop(s.reason) + "; `keratin doctor` says what to do");
}

void choose(const std::string& name) {
  State& s = state();
  if (name == "auto") return choose_automatically();
  const auto [backend, index] = parse(name);
  const std::string full = backend + ":" + std::to_string(index);
  s.current = {open_device(full), full};
  s.automatic = false;
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
  if (!is_visible(full)) {
    throw DeviceNotFound("device \"" + full + "\" is hidden by set_visible_devices. Devices: " + known_devices());
  }
  if (auto found = state().backends.find(full); found != state().backends.end()) return found->second;
  const LoadResult& loaded = module_of(backend);
  if (!loaded.module) {
    throw_not_found("device \"" + full + "\": no such device. " + reason_with_fix(backend, loaded) +
                        ". Devices: " + known_devices(),
                    loaded.cause);
  }
  if (index >= loaded.module->device_count()) {
    throw DeviceNotFound("device \"" + full + "\": no such device; " + backend + " has " +
                         std::to_string(loaded.module->device_count()) + ". Devices: " + known_devices());
  }
  try {
    const std::shared_ptr<Backend> opened = open_in_module(*loaded.module, full, index);
    state().faults.erase(full);
    state().backends.emplace(full, opened);
    return opened;
  } catch (const DeviceError& error) {
    // Doctor's id for what no other cause explains.
    state().faults[full] = {error.what(), error.cause().empty() ? "no_usable_device" : error.cause()};
    throw;
  }
}

std::vector<DeviceInfo> list_physical_devices(const std::string& kind) {
  if (!kind.empty() && kind != "CPU" && kind != "GPU") {
    throw InvalidArgument("list_physical_devices: expected kind \"CPU\", \"GPU\" or \"\", got \"" + kind + "\"");
  }
  std::vector<DeviceInfo> result;
  std::lock_guard lock(state().mutex);
  // Hidden devices are listed, too: the list says what there is.
  const auto visible = std::exchange(state().visible, std::nullopt);
  for (const char* backend : {"cpu", "cuda"}) {
    if (kind == "CPU" && backend != std::string("cpu")) continue;  // opens no module
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
  state().visible = visible;
  return result;
}

std::vector<std::string> visible_devices(const std::string& kind) {
  std::vector<std::string> names;
  std::lock_guard lock(state().mutex);
  if (kind.empty() || kind == "CPU") names.push_back("cpu:0");
  if (kind == "CPU") return names;
  const LoadResult& cuda = module_of("cuda");
  for (int i = 0; cuda.module && i < cuda.module->device_count(); ++i) {
    const std::string name = "cuda:" + std::to_string(i);
    if (is_visible(name)) names.push_back(name);
  }
  return names;
}

void set_visible_devices(const std::vector<std::string>& names) {
  std::lock_guard lock(state().mutex);
  State& s = state();
  std::vector<std::string> full;
  for (const std::string& name : names) {
    const auto [backend, index] = parse(name);
    if (backend == "cpu") continue;  // always there
    full.push_back(backend + ":" + std::to_string(index));
    const LoadResult& loaded = module_of(backend);
    if (!loaded.module || index >= loaded.module->device_count()) {
      throw_not_found("set_visible_devices: there is no device \"" + full.back() + "\"" +
                          (loaded.module ? "" : ". " + reason_with_fix(backend, loaded)) +
                          ". Devices: " + known_devices(),
                      loaded.cause);
    }
  }
  s.visible = full;
  if (!s.current.backend || is_visible(s.current.name)) return;
  if (!s.automatic) {
    const std::string current = s.current.name;
    s.visible.reset();
    throw InvalidArgument("set_visible_devices: the current device, " + current +
                          ", was asked for by name and cannot be hidden; call set_device with another one first");
  }
  s.current = {};  // chosen anew when it is needed
}

DeviceInfo device_details(const std::string& name) {
  return (name.empty() ? current_device() : open_device(name))->info();
}

std::string gpu_unavailable_reason() {
  std::lock_guard lock(state().mutex);
  const std::optional<Fault> fault = gpu_fault();
  return fault ? fault->reason : "";
}
std::string gpu_unavailable_cause() {
  std::lock_guard lock(state().mutex);
  const std::optional<Fault> fault = gpu_fault();
  return fault ? fault->cause : "";
}
std::string gpu_unavailable_fix() { return detail::fix_of_cause(gpu_unavailable_cause()); }

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

void set_memory_limit(std::int64_t bytes, const std::string& name) {
  if (bytes < 0) throw InvalidArgument("set_memory_limit: expected bytes >= 0, got " + std::to_string(bytes));
  (name.empty() ? current_device() : open_device(name))->set_memory_limit(bytes);
}

void set_log_device_placement(bool log) { state().log_placement = log; }
bool log_device_placement() { return state().log_placement; }

void set_float32_precision(Precision precision) {
  std::lock_guard lock(state().mutex);
  state().precision = precision;
}
Precision float32_precision() {
  {
    std::lock_guard lock(state().mutex);
    if (state().precision) return *state().precision;
  }
  if (const char* wanted = std::getenv("KERATIN_FLOAT32_PRECISION"); wanted && *wanted) {
    const std::string word = wanted;
    if (word == "highest") return Precision::highest;
    if (word == "high") return Precision::high;
    if (word == "medium") return Precision::medium;
    throw InvalidArgument("KERATIN_FLOAT32_PRECISION: expected 'highest', 'high' or 'medium', got '" + word + "'");
  }
  return current_device()->info().kind == "GPU" ? Precision::high : Precision::highest;
}
void set_deterministic(bool deterministic) {
  std::lock_guard lock(state().mutex);
  state().deterministic = deterministic;
}
CompileOptions compile_options() {
  const Precision precision = float32_precision();
  std::lock_guard lock(state().mutex);
  return {.precision = precision, .deterministic = state().deterministic};
}

}  // namespace keratin
