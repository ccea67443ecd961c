#include "keratin/backends/cuda/probe/diagnosis.h"

#include <algorithm>
#include <span>

#include "keratin/backends/cuda/probe/error_cause.h"
#include "keratin/backends/cuda/probe/versions.h"
#include "keratin/backends/cuda/probe/visible_devices.h"

namespace keratin::probe {
namespace {

constexpr std::int64_t kLeastFree = std::int64_t{512} << 20;  // a CUDA context and its libraries take about that
constexpr int kCompiledFor = 90;  // newer GPUs take the module's code for these through the driver's compiler
constexpr int kNvmlMismatch = 18, kNvmlLost = 15, kCudnnPartsDiffer = 1002;

class Judge {
 public:
  explicit Judge(const Facts& facts)
      : facts_(facts),
        hardware_(facts.hardware),
        gpus_(facts.driver.gpus, listed(facts.driver.count)),
        nvml_gpus_(facts.nvml.gpus, listed(facts.nvml.count)) {
    known_.kernel_driver = hardware_.kernel_driver;
    for (const DriverGpu& gpu : gpus_) {
      if (gpu.capability >= kLeastCapability) known_.capabilities.insert(gpu.capability);
    }
  }

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
  static std::size_t listed(int count) {
    return static_cast<std::size_t>(std::clamp(count, 0, DriverReport::kMaxGpus));
  }

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
  std::string fix(const std::string& cause) const {
    return fix_for(cause, facts_.kinds, facts_.needed_cuda / 1000, known_);
  }

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
  // driver's are the runtime's. `gpu` is the one that gives it, when that is known.
  bool device_error(int code, const std::string& said, bool blocks, const DriverGpu* gpu = nullptr) {
    const std::string cause(cause_of(kRuntimeCauses, code));
    if (cause == "no_usable_device" || cause == "compute_failed") return false;
    add(cause, said + (cause == "memory_held" ? held_by(gpu) : ""), blocks);
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
    if (hidden() || lost_gpu(true)) return;
    for (const NvmlGpu& gpu : nvml_gpus_) {
      if (gpu.mig == 1) return add("mig_without_instance", gpu.name);
    }
    add("no_usable_device", said);
  }

  bool lost_gpu(bool blocks) {
    for (std::size_t i = 0; i < nvml_gpus_.size(); ++i) {
      if (nvml_gpus_[i].result != kNvmlLost) continue;
      add("device_lost", "NVML: GPU " + std::to_string(i) + " is lost", blocks);
      return true;
    }
    return false;
  }

  bool hidden() {
    if (const std::string* value = facts_.variable("CUDA_VISIBLE_DEVICES")) {
      const std::string why = why_all_are_hidden(*value, facts_);
      if (!why.empty()) return add("devices_hidden", "CUDA_VISIBLE_DEVICES=\"" + *value + "\", " + why), true;
    }
    // Of the container's start; other values name what was passed on.
    const std::string* value = facts_.variable("NVIDIA_VISIBLE_DEVICES");
    if (!value || (*value != "void" && *value != "none" && !value->empty())) return false;
    return add("devices_hidden", "NVIDIA_VISIBLE_DEVICES=\"" + *value + "\""), true;
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

  // The processes on this GPU; on all of them where the driver or NVML does not tell which it is. The two may count the
  // GPUs in different orders.
  std::string held_by(const DriverGpu* of) const {
    std::string text;
    for (const NvmlGpu& gpu : nvml_gpus_) {
      if (of && *of->uuid && *gpu.uuid && std::string_view(of->uuid) != gpu.uuid) continue;
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
    const bool other = std::any_of(gpus_.begin(), gpus_.end(), [&](const DriverGpu& gpu) { return works(gpu); });
    for (const DriverGpu& gpu : gpus_) {
      const std::string name = std::string(gpu.name) + ": ";
      if (gpu.context_result > 0) {
        const std::string said = name + driver_error_text(gpu.context_result);
        if (!device_error(gpu.context_result, said, !other, &gpu)) add("no_usable_device", said, !other);
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
        add("memory_held", name + std::to_string(gpu.free_bytes >> 20) + " MiB free" + held_by(&gpu), !other);
      }
    }
    lost_gpu(!other);
    for (const NvmlGpu& gpu : nvml_gpus_) {
      const std::string damage = memory_damage(gpu);
      if (!damage.empty()) add("device_lost", std::string(gpu.name) + ": " + damage, !other);
    }
  }

  static std::string memory_damage(const NvmlGpu& gpu) {
    std::string text;
    const auto tell = [&](bool holds, const std::string& what) {
      if (holds) text += (text.empty() ? "" : ", ") + what;
    };
    tell(gpu.uncorrected_errors > 0,
         std::to_string(gpu.uncorrected_errors) + " uncorrected memory errors since the driver was loaded");
    tell(gpu.pages_pending, "damaged pages of memory wait for a reset to be retired");
    tell(gpu.rows_pending, "damaged rows of memory wait for a reset to be remapped");
    tell(gpu.remap_failed, "damaged rows of memory could not be remapped");
    return text;
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
    if (facts_.cudnn_waits_for_driver()) return;
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
    for (const DriverGpu& gpu : gpus_) {
      const int known = static_cast<int>(report.max_device / 10), has = gpu.capability;
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
  const std::span<const DriverGpu> gpus_;
  const std::span<const NvmlGpu> nvml_gpus_;
  KnownWords known_;
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
