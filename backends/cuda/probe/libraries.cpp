#include "keratin/backends/cuda/probe/libraries.h"

#include <dlfcn.h>

#include <filesystem>
#include <fstream>

#include "keratin/backends/cuda/probe/isolated.h"

namespace keratin::probe {
namespace {

template <class F>
F* function(void* library, const char* name) {
  return reinterpret_cast<F*>(dlsym(library, name));
}

std::string folder_of(const std::string& path) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  return (error ? std::filesystem::path(path) : real).parent_path().string();
}

// A part of cuDNN that this process has mapped from a folder other than `folder`, or "".
std::string foreign_part(const std::string& folder) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t begin = line.find('/');
    if (begin == std::string::npos || line.find("/libcudnn", begin) == std::string::npos) continue;
    const std::string path = line.substr(begin);
    if (folder_of(path) != folder) return path;
  }
  return "";
}

}  // namespace

CublasReport empty_cublas_report() { return CublasReport{}; }

CudnnReport empty_cudnn_report() {
  CudnnReport report{};
  for (int& check : report.checks) check = -1;
  return report;
}

void ask_cublas(const System& system, const LibrarySearch& found, CublasReport& report) {
  set_text(report.stage, "dlopen");
  std::string error;
  void* library = system.open(found.path, error);
  if (!library) return set_text(report.error, error);
  set_text(report.stage, "cublasLtGetVersion");
  const auto version = function<std::size_t()>(library, "cublasLtGetVersion");
  if (!version) return set_text(report.error, found.path + " has no function cublasLtGetVersion");
  report.version = static_cast<long>(version());
  set_text(report.stage, "");
}

void ask_cudnn(const System& system, const LibrarySearch& found, CudnnReport& report) {
  std::string error;
  for (const std::string& part : found.parts) {
    set_text(report.stage, std::filesystem::path(part).filename().string());
    if (!system.open(part, error)) return set_text(report.error, error);
  }
  set_text(report.stage, found.file);
  void* library = system.open(found.path, error);
  if (!library) return set_text(report.error, error);
  const auto version = function<std::size_t()>(library, "cudnnGetVersion");
  if (!version) return set_text(report.error, found.path + " has no function cudnnGetVersion");
  set_text(report.stage, "cudnnGetVersion");
  report.version = static_cast<long>(version());
  if (const auto cuda = function<std::size_t()>(library, "cudnnGetCudartVersion")) {
    report.cuda = static_cast<int>(cuda());
  }
  if (const auto device = function<std::size_t()>(library, "cudnnGetMaxDeviceVersion")) {
    report.max_device = static_cast<long>(device());
  }
  const char* names[] = {"cudnnGraphVersionCheck", "cudnnOpsVersionCheck", "cudnnCnnVersionCheck",
                         "cudnnAdvVersionCheck"};
  for (int i = 0; i < 4; ++i) {
    set_text(report.stage, names[i]);
    if (const auto check = function<int()>(library, names[i])) report.checks[i] = check();
  }
  set_text(report.foreign, foreign_part(folder_of(found.path)));
  set_text(report.stage, "");
}

std::string cudnn_version_text(long version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

std::string cublas_version_text(long version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

std::string cuda_version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace keratin::probe
