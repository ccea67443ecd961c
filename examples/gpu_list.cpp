// Lists the GPUs and computes on each of them, or falls back to the CPU and says why.
#include <cstdio>

#include <keratin/keratin.h>

namespace {

using namespace keratin;

void compute_on(const std::string& device) {
  const DeviceScope scope(device);  // for this thread, until the end of the function
  const Tensor a({2, 3}, {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f}), b({3, 2}, {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f});
  const Tensor product = ops::matmul(a, b);
  std::printf("%s\ncomputed on %s\n", product.to_string().c_str(), product.device().c_str());
}

// False for a GPU that cannot be used: another program may have it for itself, or all of its memory.
bool describe_and_compute_on(const DeviceInfo& gpu) {
  try {
    const MemoryInfo memory = memory_info(gpu.name);
    std::printf("%s: %s, compute capability %d.%d, %s free of %s\n", gpu.name.c_str(), gpu.description.c_str(),
                gpu.compute_capability / 10, gpu.compute_capability % 10, format_bytes(memory.free).c_str(),
                format_bytes(memory.total).c_str());
    for (const auto& [library, version] : gpu.versions) std::printf("  %s %s\n", library.c_str(), version.c_str());
    // Memory is taken as plans need it and no more; a limit refuses plans beforehand.
    set_memory_limit(std::int64_t{4} << 30, gpu.name);
    compute_on(gpu.name);
    return true;
  } catch (const DeviceError& error) {
    std::printf("%s cannot be used: %s\n", gpu.name.c_str(), error.what());
    return false;
  }
}

}  // namespace

int main() {
  const std::vector<DeviceInfo> gpus = list_physical_devices("GPU");
  std::printf("Number of GPUs: %zu\n", gpus.size());
  bool computed = false;
  for (const DeviceInfo& gpu : gpus) computed = describe_and_compute_on(gpu) || computed;
  if (computed) return 0;

  std::printf("Running on the CPU: %s\n", gpus.empty() ? gpu_unavailable_reason().c_str() : "no GPU can be used");
  if (const std::string fix = gpu_unavailable_fix(); !fix.empty()) std::printf("What to do: %s\n", fix.c_str());
  compute_on("cpu");
}
