#include "keratin/backends/cuda/probe/diagnosis.h"
#include "keratin/core/runtime/detail/gpu_verdict.h"

namespace keratin::detail {

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
  return probe::fix_for(cause, probe::system_kinds(probe::System::host()));
}

}  // namespace keratin::detail
