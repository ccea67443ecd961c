#include "keratin/backends/cuda/probe/diagnosis.h"

#include <algorithm>

#include "keratin/backends/cuda/probe/error_cause.h"
#include "keratin/backends/cuda/probe/versions.h"

namespace keratin::probe {
namespace {

constexpr std::int64_t kLeastFree = std::int64_t{512} << 20;  // a CUDA context and its libraries take about that
constexpr int kCompiledFor = 90;  // newer GPUs take the module's code for these through the driver's compiler
constexpr int kNvmlMismatch = 18, kNvmlLost = 15, kCudnnPartsDiffer = 1002;

class Judge {
 public:
  explicit Judge(const Facts& facts) : facts_(facts), hardware_(facts.hardware) {}

  std::vector<Finding> judge() {
    if (nothing_there()) return {{"no_nvidia_hardware", "", fix("no_nvidia_hardware"), false}};
    driver();
    libraries();
    module();
    std::stable_sort(findings_.begin(), findings_.end(), [](const Finding& a, const Finding& b) {
      return a.blocks != b.blocks ? a.blocks : position(a.cause) < position(b.cause);
    });
    return std::move(findings_);
  }

 private:
  static std::size_t position(const std::string& id) {
    const auto table = causes();
    return static_cast<std::size_t>(
        std::find_if(table.begin(), table.end(), [&](const Cause& cause) { return cause.id == id; }) - table.begin());
  }

  // Also a machine with the driver's libraries and no hardware: installed for another one, or by a distribution.
  bool nothing_there() const {
    return !hardware_.any() && !facts_.hardware.wsl_gpu && facts_.driver.count == 0 && facts_.nvml.count == 0 &&
           facts_.driver_outcome.finished && facts_.module.devices == 0;
  }

  void add(const std::string& cause, const std::string& detail, bool blocks = true) {
    const auto same = std::find_if(findings_.begin(), findings_.end(),
                                   [&](const Finding& finding) { return finding.cause == cause; });
    if (same == findings_.end()) {
      findings_.push_back({cause, detail, fix(cause), blocks});
    } else if (blocks && !same->blocks) {
      *same = {cause, detail, fix(cause), true};
    }
  }
  std::string fix(const std::string& cause) const { return fix_for(cause, facts_.kinds, facts_.needed_cuda / 1000); }

  bool nouveau() const {
    return std::any_of(hardware_.gpus.begin(), hardware_.gpus.end(),
                       [](const PciGpu& gpu) { return gpu.driver == "nouveau"; });
  }

  void driver() {
    const DriverReport& d = facts_.driver;
    const std::string path = d.path;
    if (path.empty() && facts_.driver_outcome.finished) return no_driver_library();
    if (!facts_.driver_outcome.finished) {
      return add("driver_crashed", "in " + std::string(d.stage) + ": " + facts_.driver_outcome.text());
    }
    if (path.find("/stubs/") != std::string::npos) return add("stub_driver", path);
    if (d.init_result != 0) return start_failed(d.init_result);
    if (d.version_result == 0 && d.version < facts_.needed_cuda) {
      add("driver_too_old", driver_name() + " offers CUDA " + cuda_version_text(d.version) + ", CUDA " +
                                cuda_version_text(facts_.needed_cuda) + " is needed");
    }
    if (d.count_result != 0 || d.count == 0) {
      return no_device(d.count_result > 0 ? "cuDeviceGetCount: " + driver_error_text(d.count_result)
                                          : "the driver counts 0 devices");
    }
    devices();
  }

  std::string driver_name() const {
    const std::string version = *facts_.nvml.driver ? facts_.nvml.driver : hardware_.kernel_driver;
    return version.empty() ? "the driver" : "driver " + version;
  }

  void no_driver_library() {
    const std::string why = facts_.driver.error;
    if (hardware_.wsl) return add("wsl_driver", why);
    if (hardware_.container && hardware_.control == NodeState::missing) return add("container_without_gpu", "");
    if (nouveau() && !hardware_.kernel_module) return add("nouveau_driver", hardware_.gpus.front().address);
    if (hardware_.kernel_module) return add("driver_library_missing", why);
    add("no_driver", hardware_.gpus.empty() ? "" : "PCI device " + hardware_.gpus.front().device);
  }

  void start_failed(int code) {
    const std::string said = "cuInit: " + driver_error_text(code), path = facts_.driver.path;
    if (code == 34) return add("stub_driver", path);
    if (code == 803 || facts_.nvml.init_result == kNvmlMismatch) return add("driver_mismatch", said);
    if (code == 804 || path.find("/compat/") != std::string::npos) return add("compat_unsupported", said + ", " + path);
    if (device_error(code, said, true)) return;
    no_device(said);
  }

  // Codes that mean the same whether the driver starts, counts or opens a device; false for those that say little. The
  // driver's are the runtime's.
  bool device_error(int code, const std::string& said, bool blocks) {
    const std::string cause(cause_of(kRuntimeCauses, code));
    if (cause == "no_usable_device" || cause == "compute_failed") return false;
    add(cause, said + (cause == "memory_held" ? held_by() : ""), blocks);
    return true;
  }

  // The driver starts or fails with one of the errors that say little: the files and NVML say more.
  void no_device(const std::string& said) {
    if (hardware_.wsl && std::string(facts_.driver.path).find("/wsl/") == std::string::npos) {
      return add("wsl_driver", said + ", " + facts_.driver.path);
    }
    if (hardware_.container && hardware_.control == NodeState::missing && !hardware_.wsl) {
      return add("container_without_gpu", said);
    }
    if (nouveau() && !hardware_.kernel_module) return add("nouveau_driver", said);
    if (!hardware_.kernel_module && !hardware_.wsl && facts_.nvml.count == 0 &&
        hardware_.control != NodeState::usable) {
      return add("no_driver", said + "; its kernel module is not loaded");
    }
    if (!hardware_.wsl && node_trouble(said)) return;
    if (facts_.nvml.gpus[0].result == kNvmlLost) return add("device_lost", "NVML: the GPU is lost");
    for (const char* name : {"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"}) {
      const std::string* value = facts_.variable(name);
      if (!value) continue;
      if (std::string(name) == "NVIDIA_VISIBLE_DEVICES" && *value != "void" && *value != "none" && !value->empty()) {
        continue;
      }
      return add("devices_hidden", std::string(name) + "=\"" + *value + "\"");
    }
    for (int i = 0; i < std::min(facts_.nvml.count, DriverReport::kMaxGpus); ++i) {
      if (facts_.nvml.gpus[i].mig == 1) return add("mig_without_instance", facts_.nvml.gpus[i].name);
    }
    add("no_usable_device", said);
  }

  bool node_trouble(const std::string& said) {
    const struct {
      const char* name;
      NodeState state;
    } nodes[] = {
        {"/dev/nvidiactl", hardware_.control}, {"/dev/nvidia0", hardware_.first}, {"/dev/nvidia-uvm", hardware_.uvm}};
    for (const auto& node : nodes) {
      if (node.state == NodeState::forbidden) return add("device_nodes_permission", node.name), true;
    }
    for (const auto& node : nodes) {
      if (node.state == NodeState::missing) return add("device_nodes_missing", node.name + ("; " + said)), true;
    }
    return false;
  }

  std::string held_by() const {
    std::string text;
    for (int i = 0; i < std::min(facts_.nvml.count, DriverReport::kMaxGpus); ++i) {
      const NvmlGpu& gpu = facts_.nvml.gpus[i];
      for (int k = 0; k < std::min(gpu.processes, NvmlGpu::kMaxProcesses); ++k) {
        // In a container NVML knows the process but not what it has.
        const std::int64_t bytes = gpu.process[k].bytes;
        text += (text.empty() ? "; held by process " : ", process ") + std::to_string(gpu.process[k].pid);
        if (bytes > 0) text += " (" + std::to_string(bytes >> 20) + " MiB)";
      }
    }
    return text;
  }

  // A device that cannot be used blocks only if there is no other.
  void devices() {
    const int count = std::min(facts_.driver.count, DriverReport::kMaxGpus);
    bool other = false;
    for (int i = 0; i < count; ++i) other = other || works(facts_.driver.gpus[i]);
    for (int i = 0; i < count; ++i) {
      const DriverGpu& gpu = facts_.driver.gpus[i];
      const std::string name = std::string(gpu.name) + ": ";
      if (gpu.context_result > 0) {
        const std::string said = name + driver_error_text(gpu.context_result);
        if (!device_error(gpu.context_result, said, !other)) add("no_usable_device", said, !other);
      }
      if (gpu.compute_mode == 2) add("device_exclusive", name + "compute mode \"prohibited\"", !other);
      if (gpu.capability > 0 && gpu.capability < kLeastCapability) {
        add("arch_unsupported", name + "compute capability " + capability(gpu.capability), !other);
      }
      if (gpu.capability >= kCompiledFor + 10 && !facts_.jit_compiler) {
        add("jit_missing",
            name + "compute capability " + capability(gpu.capability) +
                " needs code compiled at run time, and libnvidia-ptxjitcompiler.so.1 is not beside " +
                facts_.driver.path,
            false);
      }
      if (short_of_memory(gpu)) {
        add("memory_held", name + std::to_string(gpu.free_bytes >> 20) + " MiB free" + held_by(), !other);
      }
    }
    for (int i = 0; i < std::min(facts_.nvml.count, DriverReport::kMaxGpus); ++i) {
      const NvmlGpu& gpu = facts_.nvml.gpus[i];
      if (gpu.result == kNvmlLost) add("device_lost", "NVML: a GPU is lost", !other);
      if (gpu.uncorrected_errors > 0) {
        add("device_lost",
            std::string(gpu.name) + ": " + std::to_string(gpu.uncorrected_errors) +
                " uncorrected memory errors since the driver was loaded",
            !other);
      }
    }
  }

  static std::string capability(int number) { return std::to_string(number / 10) + "." + std::to_string(number % 10); }
  static bool short_of_memory(const DriverGpu& gpu) { return gpu.context_result == 0 && gpu.free_bytes < kLeastFree; }
  bool works(const DriverGpu& gpu) const {
    return gpu.context_result <= 0 && gpu.compute_mode != 2 && gpu.capability >= kLeastCapability &&
           !short_of_memory(gpu);
  }

  void libraries() {
    const CudaLibraries& found = facts_.libraries;
    const std::string cause = found.cublas_lt.cause("cublas");
    if (!found.cublas_lt.found()) {
      add(cause, found.cublas_lt.failure());
    } else if (!facts_.cublas_outcome.finished) {
      add(cause, found.cublas_lt.path + " " + facts_.cublas_outcome.text());
    } else if (*facts_.cublas.error) {
      add(cause, facts_.cublas.error);
    }
    cudnn(found.cudnn);
  }

  // Without cuDNN the GPU still works.
  void cudnn(const LibrarySearch& found) {
    const CudnnReport& report = facts_.cudnn;
    if (!found.found()) return add(found.cause("cudnn"), found.failure(), false);
    if (!facts_.cudnn_outcome.finished) {
      return add("cudnn_broken", found.path + ": " + report.stage + " " + facts_.cudnn_outcome.text(), false);
    }
    if (*report.error) return add("cudnn_broken", report.error, false);
    if (report.version == 0) return;  // was not asked
    const std::string version = "version " + cudnn_version_text(report.version) + ", " + found.path;
    if (*report.foreign) add("cudnn_mixed", report.foreign + (" was loaded with " + found.path), false);
    for (const int check : report.checks) {
      if (check > 0) {
        add(check == kCudnnPartsDiffer ? "cudnn_mixed" : "cudnn_broken",
            "its version check gives " + std::to_string(check) + ", " + found.path, false);
      }
    }
    if (report.version < kOldestCudnn) add("cudnn_too_old", version, false);
    for (int i = 0; i < std::min(facts_.driver.count, DriverReport::kMaxGpus); ++i) {
      const int known = static_cast<int>(report.max_device / 10), has = facts_.driver.gpus[i].capability;
      if (known > 0 && has > known) {
        add("cudnn_too_old", version + ", knows GPUs up to " + capability(known) + ", this one has " + capability(has),
            false);
      }
    }
    if (report.cuda > 0 && report.cuda / 1000 != facts_.needed_cuda / 1000) {
      add("cudnn_other_cuda", "built with CUDA " + cuda_version_text(report.cuda) + ", " + found.path, false);
    }
  }

  void module() {
    if (!facts_.module_asked) return;
    const ModuleReport& m = facts_.module;
    if (!facts_.module_outcome.finished) {
      return add(m.devices > 0 ? "compute_failed" : "module_broken",
                 std::string(m.stage) + " " + facts_.module_outcome.text(), !m.usable);
    }
    const std::string cause = m.cause;
    if (cause.empty()) return;
    // The driver's own findings say why it has no device; a cause of the module that is not in the table says so too.
    const bool explained = std::any_of(findings_.begin(), findings_.end(), [](const Finding& f) { return f.blocks; });
    if (find_cause(cause) && cause != "none" && cause != "no_nvidia_hardware") return add(cause, m.reason, !m.usable);
    if (!explained) add("no_usable_device", m.reason);
  }

  const Facts& facts_;
  const Hardware& hardware_;
  std::vector<Finding> findings_;
};

}  // namespace

std::string Finding::text() const {
  const Cause* known = find_cause(cause);
  std::string sentence = known ? known->sentence : cause;
  if (detail.empty()) return sentence;
  if (sentence.ends_with('.')) sentence.pop_back();
  return sentence + ": " + detail + (detail.ends_with('.') ? "" : ".");
}

std::vector<Finding> find_causes(const Facts& facts) { return Judge(facts).judge(); }

Diagnosis diagnose(const Facts& facts) {
  Diagnosis diagnosis;
  diagnosis.findings = find_causes(facts);
  diagnosis.checks = list_checks(facts);
  diagnosis.gpu_present = diagnosis.cause() != "no_nvidia_hardware";
  diagnosis.usable = diagnosis.gpu_present && (diagnosis.findings.empty() || !diagnosis.findings.front().blocks);
  return diagnosis;
}

}  // namespace keratin::probe
