// list_checks: what was looked at and what was found, in the order of the search.
#include <algorithm>

#include "keratin/backends/cuda/probe/diagnosis.h"

namespace keratin::probe {
namespace {

using Result = Check::Result;

std::string node_text(NodeState state) {
  switch (state) {
    case NodeState::missing: return "missing";
    case NodeState::forbidden: return "not permitted";
    case NodeState::usable: return "usable";
  }
  return "";
}

std::string mebibytes(std::int64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

Check hardware_check(const Hardware& hardware) {
  if (hardware.gpus.empty()) {
    return {Result::note, "hardware",
            hardware.wsl_gpu ? "/dev/dxg: a GPU of Windows" : "no NVIDIA display device on the PCI bus"};
  }
  std::string text;
  for (const PciGpu& gpu : hardware.gpus) {
    text += (text.empty() ? "" : "; ") + gpu.address + " " + gpu.device + ", driver " +
            (gpu.driver.empty() ? "none" : gpu.driver);
  }
  return {Result::good, "hardware", text};
}

Check library_check(const std::string& name, const LibrarySearch& search, const std::string& asked,
                    const std::string& error, bool needed) {
  if (!search.found()) return {needed ? Result::bad : Result::note, name, search.failure()};
  std::string text = search.path + " (" + search.why + ")";
  const std::string version = asked.empty() ? search.version : asked;
  if (!version.empty()) text = version + ", " + text;
  if (!error.empty()) return {Result::bad, name, text + ": " + error};
  return {Result::good, name, text};
}

void list_driver(const Facts& facts, std::vector<Check>& checks) {
  const DriverReport& d = facts.driver;
  if (!facts.driver_outcome.finished) {
    checks.push_back({Result::bad, "driver library", std::string(d.stage) + " " + facts.driver_outcome.text()});
    return;
  }
  if (!*d.path) {
    checks.push_back({facts.hardware.any() ? Result::bad : Result::note, "driver library",
                      *d.error ? d.error : "libcuda.so.1 was not looked for"});
    return;
  }
  std::string text = d.path;
  if (d.version_result == 0) text += ", for CUDA " + cuda_version_text(d.version);
  if (d.init_result > 0) text += ", cuInit: " + driver_error_text(d.init_result);
  checks.push_back({d.init_result == 0 ? Result::good : Result::bad, "driver library", text});
  for (int i = 0; i < std::min(d.count, DriverReport::kMaxGpus); ++i) {
    const DriverGpu& gpu = d.gpus[i];
    std::string line = std::string(gpu.name) + ", compute capability " + std::to_string(gpu.capability / 10) + "." +
                       std::to_string(gpu.capability % 10) + ", " + mebibytes(gpu.total_bytes);
    if (gpu.context_result == 0) line += " (" + mebibytes(gpu.free_bytes) + " free)";
    if (gpu.context_result > 0) line += ", opening it: " + driver_error_text(gpu.context_result);
    checks.push_back({gpu.context_result > 0 ? Result::bad : Result::good, "device " + std::to_string(i), line});
  }
}

void list_nvml(const Facts& facts, std::vector<Check>& checks) {
  const NvmlReport& n = facts.nvml;
  if (!facts.nvml_outcome.finished) {
    checks.push_back({Result::bad, "NVML", std::string(n.stage) + " " + facts.nvml_outcome.text()});
  } else if (!*n.path) {
    checks.push_back({Result::note, "NVML", *n.error ? n.error : "libnvidia-ml.so.1 was not looked for"});
  } else if (n.init_result != 0) {
    checks.push_back({Result::bad, "NVML", std::string(n.path) + ", error " + std::to_string(n.init_result)});
  } else {
    std::string text = "driver " + std::string(n.driver) + ", " + std::to_string(n.count) + " devices";
    for (int i = 0; i < std::min(n.count, DriverReport::kMaxGpus); ++i) {
      if (n.gpus[i].mig == 1) text += ", MIG is on";
      if (n.gpus[i].processes > 0) text += ", " + std::to_string(n.gpus[i].processes) + " processes";
    }
    checks.push_back({Result::good, "NVML", text});
  }
}

// Modules that were not taken because the driver does not serve them.
void list_passed_over(const Facts& facts, std::vector<Check>& checks) {
  if (facts.driver.version <= 0) return;
  for (const std::string& path : facts.modules) {
    const int needs = module_file(path).cuda_major * 1000;
    if (path == facts.judged.path || needs <= facts.driver.version) continue;
    checks.push_back({Result::note, "passed over",
                      path + ": it needs CUDA " + cuda_version_text(needs) + ", the driver offers " +
                          cuda_version_text(facts.driver.version)});
  }
}

}  // namespace

std::vector<Check> list_checks(const Facts& facts) {
  const Hardware& hardware = facts.hardware;
  std::vector<Check> checks;
  std::string system;
  for (const SystemKind kind : facts.kinds) system += (system.empty() ? "" : ", ") + std::string(name_of(kind));
  checks.push_back({Result::note, "system", system.empty() ? "Linux" : system});
  for (const auto& [name, value] : facts.environment) {
    checks.push_back({Result::note, "environment", name + "=\"" + value + "\""});
  }
  checks.push_back(hardware_check(hardware));
  if (hardware.any()) {
    checks.push_back(
        {hardware.kernel_module || hardware.wsl ? Result::good : Result::bad, "kernel driver",
         hardware.kernel_module ? "version " + hardware.kernel_driver : "/proc/driver/nvidia/version is not there"});
    if (!hardware.wsl) {
      const bool good = hardware.control == NodeState::usable && hardware.first == NodeState::usable &&
                        hardware.uvm == NodeState::usable;
      checks.push_back({good ? Result::good : Result::bad, "device files",
                        "/dev/nvidiactl " + node_text(hardware.control) + ", /dev/nvidia0 " +
                            node_text(hardware.first) + ", /dev/nvidia-uvm " + node_text(hardware.uvm)});
    }
  }
  list_driver(facts, checks);
  list_nvml(facts, checks);
  const CublasReport& cublas = facts.cublas;
  const bool needed = hardware.any();
  checks.push_back(library_check("cuBLASLt", facts.libraries.cublas_lt,
                                 cublas.version > 0 ? cublas_version_text(cublas.version) : "",
                                 facts.cublas_outcome.finished ? cublas.error : facts.cublas_outcome.text(), needed));
  const CudnnReport& cudnn = facts.cudnn;
  checks.push_back(library_check(
      "cuDNN", facts.libraries.cudnn, cudnn.version > 0 ? cudnn_version_text(cudnn.version) : "",
      facts.cudnn_outcome.finished ? cudnn.error : cudnn.stage + (" " + facts.cudnn_outcome.text()), needed));
  if (facts.cudnn_waits_for_driver()) {
    checks.back() = library_check("cuDNN", facts.libraries.cudnn, "", "", false);
    checks.back().result = Result::note;
    checks.back().text += ", which opens only where the driver's libcuda.so.1 is";
  }
  checks.push_back(library_check("NVRTC", facts.libraries.nvrtc, "", "", false));
  list_passed_over(facts, checks);
  if (facts.module_asked) {
    const ModuleReport& m = facts.module;
    const bool good = facts.module_outcome.finished && !*m.cause;
    std::string text = *m.path ? m.path + (", for CUDA " + std::to_string(facts.judged.cuda_major)) : "";
    if (!facts.module_outcome.finished) {
      text += (text.empty() ? "" : ": ") + std::string(m.stage) + " " + facts.module_outcome.text();
    } else if (*m.reason) {
      text = m.reason;
    }
    checks.push_back({good ? Result::good : needed ? Result::bad : Result::note, "Keratin's module", text});
    for (const std::string& line : split_list(m.computed, '\n')) {
      checks.push_back({good ? Result::good : Result::bad, "computation", line});
    }
  }
  return checks;
}

}  // namespace keratin::probe
