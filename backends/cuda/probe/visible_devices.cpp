#include "keratin/backends/cuda/probe/visible_devices.h"

#include <algorithm>
#include <cstdlib>
#include <span>

namespace keratin::probe {

std::string why_all_are_hidden(const std::string& value, const Facts& facts) {
  std::string first = value.substr(0, value.find(','));
  first.erase(0, first.find_first_not_of(" \t"));
  first.erase(first.find_last_not_of(" \t") + 1);
  if (first.empty() || first.front() == '-') return "which names no GPU";
  const NvmlReport& nvml = facts.nvml;
  const bool asked = nvml.init_result == 0;
  if (first.front() >= '0' && first.front() <= '9') {
    const long there = asked ? nvml.count : static_cast<long>(facts.hardware.gpus.size());
    const long index = std::strtol(first.c_str(), nullptr, 10);
    return there > 0 && index >= there ? "and there is no GPU " + std::to_string(index) : "";
  }
  const std::span gpus(nvml.gpus, static_cast<std::size_t>(std::clamp(nvml.count, 0, DriverReport::kMaxGpus)));
  const auto all = [&](auto holds) {
    return asked && nvml.count > 0 && nvml.count <= DriverReport::kMaxGpus &&
           std::all_of(gpus.begin(), gpus.end(), holds);
  };
  if (first.starts_with("MIG-")) {
    // With MIG on, the instance may be there or not: then `mig_without_instance` says how to find out.
    const bool off = all([](const NvmlGpu& gpu) { return gpu.result == 0 && gpu.mig == 0; });
    return off ? "and no GPU is in MIG mode" : "";
  }
  if (first.starts_with("GPU-")) {
    // The beginning of an id is enough for CUDA.
    const bool none =
        all([&](const NvmlGpu& gpu) { return *gpu.uuid != '\0' && !std::string(gpu.uuid).starts_with(first); });
    return none ? "and no GPU has this id" : "";
  }
  return "which is neither a number nor an id";
}

}  // namespace keratin::probe
