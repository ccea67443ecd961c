#include "keratin/backends/cuda/probe/facts.h"

#include <filesystem>
#include <string_view>

namespace keratin::probe {
namespace {

Facts from_files(const System& system) {
  Facts facts;
  facts.kinds = system_kinds(system);
  facts.hardware = look_at_hardware(system);
  for (const char* name :
       {"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "CUDA_MPS_PIPE_DIRECTORY", "KERATIN_DEVICE",
        "KERATIN_CUDA_PATH", "KERATIN_BACKEND_PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "CUDA_HOME"}) {
    if (system.is_set(name)) facts.environment.emplace_back(name, system.env(name));
  }
  return facts;
}

void judge_for(const System& system, ModuleFile module, Facts& facts) {
  facts.libraries = find_cuda_libraries(system, module.cuda_major, module.path);
  facts.needed_cuda = module.cuda_major * 1000;
  facts.judged = std::move(module);
}

Outcome nothing_to_do() {
  Outcome outcome;
  outcome.finished = true;
  return outcome;
}

}  // namespace

const std::string* Facts::variable(const std::string& name) const {
  for (const auto& [key, value] : environment) {
    if (key == name) return &value;
  }
  return nullptr;
}

Facts gather(const System& system, const GatherOptions& options) {
  Facts facts = from_files(system);
  facts.modules = options.modules;
  facts.driver_outcome = run_isolated<DriverReport>(
      facts.driver, [&](DriverReport& report) { ask_driver(system, true, report); }, options.seconds);
  if (*facts.driver.path) {
    const std::filesystem::path folder = std::filesystem::path(facts.driver.path).parent_path();
    std::error_code error;
    facts.jit_compiler = std::filesystem::exists(folder / "libnvidia-ptxjitcompiler.so.1", error);
  }
  facts.nvml_outcome = run_isolated<NvmlReport>(
      facts.nvml, [&](NvmlReport& report) { ask_nvml(system, report); }, options.seconds);
  facts.cublas_outcome = facts.cudnn_outcome = facts.module_outcome = nothing_to_do();
  // A driver that crashes or hangs would do so in the module, too.
  if (options.ask_module && facts.driver_outcome.finished) {
    facts.module_asked = true;
    // The first use of a GPU loads code for seconds.
    facts.module_outcome = run_isolated<ModuleReport>(facts.module, options.ask_module, 4 * options.seconds);
  }
  // The loader's choice, which also passes over broken modules.
  judge_for(system,
            *facts.module.path ? module_file(facts.module.path) : choose_module(options.modules, facts.driver.version),
            facts);
  if (facts.libraries.cublas_lt.found()) {
    facts.cublas_outcome = run_isolated<CublasReport>(
        facts.cublas, [&](CublasReport& report) { ask_cublas(system, facts.libraries.cublas_lt, report); },
        options.seconds);
  }
  if (facts.libraries.cudnn.found()) {
    facts.cudnn_outcome = run_isolated<CudnnReport>(
        facts.cudnn,
        [&](CudnnReport& report) {
          // cuDNN's parts need cuBLASLt and, for kernels compiled at run time, NVRTC: as the module opens them.
          std::string error;
          if (*facts.driver.path) system.open(facts.driver.path, error);  // in WSL from where nobody else looks
          if (facts.libraries.cublas_lt.found()) system.open(facts.libraries.cublas_lt.path, error);
          if (facts.libraries.nvrtc.found()) system.open(facts.libraries.nvrtc.path, error);
          ask_cudnn(system, facts.libraries.cudnn, report);
        },
        options.seconds);
  }
  return facts;
}

bool Facts::cudnn_waits_for_driver() const {
  return !*driver.path && std::string_view(cudnn.error).find("libcuda.so.1") != std::string_view::npos;
}

Facts gather_here(const System& system, int cuda_major, const std::string& module_path) {
  Facts facts = from_files(system);
  judge_for(system, {module_path, cuda_major}, facts);
  facts.driver_outcome = facts.nvml_outcome = facts.cublas_outcome = facts.cudnn_outcome = facts.module_outcome =
      nothing_to_do();
  if (!facts.hardware.any()) return facts;
  ask_driver(system, false, facts.driver);
  ask_nvml(system, facts.nvml);
  return facts;
}

}  // namespace keratin::probe
