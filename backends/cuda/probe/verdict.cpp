#include <algorithm>

#include "keratin/backends/cuda/probe/diagnosis.h"
#include "keratin/core/runtime/detail/gpu_verdict.h"
#include "keratin/core/runtime/loader.h"

namespace keratin::detail {
namespace {

// The CUDA of the module that this machine would use. The driver is asked only when modules for several are installed.
int cuda_major_here(const probe::System& system) {
  const std::vector<std::string> files = backend_module_files("cuda");
  const int first = probe::choose_module(files, 0).cuda_major;
  const bool several = std::any_of(files.begin(), files.end(), [&](const std::string& path) {
    return probe::module_file(path).cuda_major != first;
  });
  if (!several || !probe::look_at_hardware(system).any()) return first;
  probe::DriverReport driver = probe::empty_driver_report();
  probe::ask_driver(system, false, driver);
  return probe::choose_module(files, driver.version).cuda_major;
}

}  // namespace

bool nvidia_hardware_is_visible() { return probe::look_at_hardware(probe::System::host()).any(); }

GpuVerdict explain_missing_gpu(int cuda_major, const std::string& module_path) {
  const probe::Facts facts = probe::gather_here(probe::System::host(), cuda_major, module_path);
  const std::vector<probe::Finding> findings = probe::find_causes(facts);
  for (const probe::Finding& finding : findings) {
    if (finding.blocks || finding.cause == "no_nvidia_hardware") return {finding.cause, finding.text(), finding.fix};
  }
  return {"none", "", ""};
}

std::string fix_of_cause(const std::string& cause) {
  const probe::System system = probe::System::host();
  return probe::fix_for(cause, probe::system_kinds(system), cuda_major_here(system),
                        {.kernel_driver = probe::look_at_hardware(system).kernel_driver});
}

bool is_cause(const std::string& cause) { return probe::find_cause(cause) != nullptr; }

}  // namespace keratin::detail
