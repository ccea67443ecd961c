#include "keratin/core/runtime/loader.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <vector>

#include "keratin/core/runtime/detail/gpu_verdict.h"
#include "keratin/core/runtime/detail/shared_object.h"

namespace keratin {
namespace {

namespace fs = std::filesystem;

// The folder of the library (or static program) this code is in.
fs::path own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&load_backend_module), &info) == 0 || !info.dli_fname) return {};
  std::error_code error;
  const fs::path path = fs::canonical(info.dli_fname, error);
  return error ? fs::path() : path.parent_path();
}

std::vector<fs::path> search_folders() {
  std::vector<fs::path> folders;
  if (const char* list = std::getenv("KERATIN_BACKEND_PATH")) {
    std::stringstream stream(list);
    // Relative entries are skipped: they would mean the current directory.
    for (std::string entry; std::getline(stream, entry, ':');) {
      if (entry == "-") return folders;
      if (fs::path(entry).is_absolute()) folders.emplace_back(entry);
    }
  }
  if (const fs::path own = own_folder(); !own.empty()) {
    folders.push_back(own / "keratin");
    folders.push_back(own);
  }
  return folders;
}

// Newest first: a driver that is too old for one CUDA major version may still serve the other.
std::vector<std::string> file_names(const std::string& name) {
  if (name == "cuda") return {"libkeratin_cuda13.so", "libkeratin_cuda12.so"};
  return {"libkeratin_" + name + ".so"};
}

LoadResult refuse(const fs::path& path, std::string reason, std::string cause) {
  return {nullptr, path.string(), std::move(reason), std::move(cause)};
}

LoadResult open_module(const fs::path& path, const std::string& name) {
  if (const std::string fault = detail::fault_of_shared_object(path.string()); !fault.empty()) {
    return refuse(path, "the backend module " + path.string() + " cannot be opened: " + fault, "module_broken");
  }
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* text = dlerror();
    return refuse(path, "the backend module " + path.string() + " cannot be opened: " + (text ? text : "unknown error"),
                  "module_broken");
  }
  using Entry = const BackendModule* (*)();
  const auto entry = reinterpret_cast<Entry>(dlsym(handle, kModuleEntry));
  if (!entry)
    return refuse(path, path.string() + " is not a Keratin backend module (no entry " + kModuleEntry + ")",
                  "module_broken");
  const BackendModule* module = nullptr;
  try {
    module = entry();
  } catch (const std::exception& error) {
    return refuse(path, path.string() + " failed to start: " + error.what(), "module_broken");
  } catch (...) {
    return refuse(path, path.string() + " failed to start with an unknown exception", "module_broken");
  }
  if (!module || module->magic != BackendModule{}.magic || !module->fingerprint) {
    return refuse(path, path.string() + " is not a Keratin backend module", "module_broken");
  }
  if (build_fingerprint() != module->fingerprint) {
    return refuse(path,
                  "the backend module " + path.string() + " belongs to another build of Keratin (it has '" +
                      module->fingerprint + "', this library has '" + build_fingerprint() + "'); install both together",
                  "module_mismatch");
  }
  if (!module->name || !module->device_count || !module->open || !module->unavailable_reason ||
      !module->unavailable_cause) {
    return refuse(path, "the backend module " + path.string() + " is incomplete", "module_broken");
  }
  if (name != module->name && !name.starts_with(std::string(module->name) + "_")) {
    return refuse(path,
                  "the backend module " + path.string() + " is called '" + module->name + "', expected '" + name +
                      "' from its file's name; give the file its own name back",
                  "module_broken");
  }
  int devices = 0;
  try {
    devices = module->device_count();
    if (devices <= 0) {
      const char* reason = module->unavailable_reason();
      const char* cause = module->unavailable_cause();
      return refuse(path, reason ? reason : "it has no usable device", cause ? cause : "");
    }
  } catch (const std::exception& error) {
    return refuse(path, path.string() + " failed while it looked for devices: " + error.what(), "module_broken");
  } catch (...) {
    return refuse(path, path.string() + " failed while it looked for devices", "module_broken");
  }
  return {module, path.string(), "", ""};
}

// A module without devices knows what CUDA's runtime told it, which is little: one error stands for no driver, a
// container without its device files and more. Then the driver and the machine's files are asked.
bool knows_why(const std::string& cause) {
  return cause != "no_driver" && cause != "no_usable_device" && detail::is_cause(cause);
}

}  // namespace

bool has_nvidia_hardware() { return detail::nvidia_hardware_is_visible(); }

std::vector<std::string> backend_module_files(const std::string& name) {
  std::vector<std::string> files;
  if (name == "cpu") return files;
  for (const fs::path& folder : search_folders()) {
    for (const std::string& file : file_names(name)) {
      std::error_code error;
      if (fs::exists(folder / file, error)) files.push_back((folder / file).string());
    }
  }
  return files;
}

LoadResult load_backend_module(const std::string& name) {
  if (name == "cpu") return {&cpu_module(), "", "", ""};
  LoadResult result = refuse("", "", "module_missing");
  for (const std::string& path : backend_module_files(name)) {
    LoadResult opened = open_module(path, name);
    if (opened.module) return opened;
    // A driver too old for a newer module says nothing about the one that it serves.
    const bool serves_this =
        result.cause == "driver_too_old" && opened.cause != "driver_too_old" && !opened.cause.starts_with("module_");
    if (result.reason.empty() || serves_this) result = std::move(opened);
  }
  if (result.reason.empty()) {
    if (name == "cuda" && !has_nvidia_hardware()) {
      return refuse("", "this machine has no NVIDIA GPU", "no_nvidia_hardware");
    }
    std::string searched;
    for (const fs::path& folder : search_folders()) searched += (searched.empty() ? "" : ", ") + folder.string();
    result.reason = "no module " + file_names(name).front() + " was found" +
                    (searched.empty() ? "; KERATIN_BACKEND_PATH names no folder" : " in " + searched);
  }
  if (name == "cuda" && !knows_why(result.cause)) {
    const int cuda = result.path.ends_with("cuda12.so") ? 12 : 13;
    detail::GpuVerdict verdict = detail::explain_missing_gpu(cuda, result.path);
    if (verdict.cause != "none") {
      result.cause = verdict.cause;
      result.reason = verdict.text;
    }
  }
  return result;
}

}  // namespace keratin
