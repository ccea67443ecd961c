// Lists the GPUs and computes on them, or falls back to the CPU and says why.
#include <cstdio>

#include <keratin/keratin.h>

int main() {
  using namespace keratin;
  const std::vector<DeviceInfo> gpus = list_physical_devices("GPU");
  std::printf("Number of GPUs: %zu\n", gpus.size());
  if (gpus.empty()) {
    std::printf("Running on the CPU: %s\n", gpu_unavailable_reason().c_str());
    if (const std::string fix = gpu_unavailable_fix(); !fix.empty()) std::printf("What to do: %s\n", fix.c_str());
  }
  for (const DeviceInfo& gpu : gpus) {
    const MemoryInfo memory = memory_info(gpu.name);
    std::printf("%s: %s, compute capability %d.%d, %s free of %s\n", gpu.name.c_str(), gpu.description.c_str(),
                gpu.compute_capability / 10, gpu.compute_capability % 10, format_bytes(memory.free).c_str(),
                format_bytes(memory.total).c_str());
    for (const auto& [library, version] : gpu.versions) std::printf("  %s %s\n", library.c_str(), version.c_str());
  }

  // Memory is taken as plans need it and no more; a limit refuses plans beforehand.
  if (!gpus.empty()) set_memory_limit(std::int64_t{4} << 30, gpus.front().name);

  // Without a word about devices, the first GPU is used when there is one.
  const Tensor a({2, 3}, {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f}), b({3, 2}, {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f});
  const Tensor product = ops::matmul(a, b);
  std::printf("%s\ncomputed on %s (%s)\n", product.to_string().c_str(), product.device().c_str(),
              device_reason().c_str());
}
