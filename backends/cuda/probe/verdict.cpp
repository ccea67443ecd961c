#include "keratin/backends/cuda/probe/diagnosis.h"
#include "keratin/core/runtime/detail/gpu_verdict.h"

namespace keratin::detail {

bool nvidia_hardware_is_visible() { return probe::look_at_hardware(probe::System::host()).any(); }

GpuVerdict explain_missing_gpu() {
  // Without the module: the loader knows about that one itself.
  const std::vector<probe::Finding> findings = probe::find_causes(probe::gather_here(probe::System::host()));
  for (const probe::Finding& finding : findings) {
    if (finding.blocks || finding.cause == "no_nvidia_hardware") return {finding.cause, finding.text(), finding.fix};
  }
  return {"none", "", ""};
}

std::string fix_of_cause(const std::string& cause) {
  return probe::fix_for(cause, probe::system_kinds(probe::System::host()));
}

}  // namespace keratin::detail
