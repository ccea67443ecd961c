#include "keratin/backends/cpu/backend.h"

#include <sys/mman.h>

#include <Eigen/Core>
#include <cstdlib>
#include <cstring>

#include "keratin/backends/cpu/bf16.h"
#include "keratin/backends/cpu/cpu_count.h"
#include "keratin/backends/cpu/executable.h"
#include "keratin/backends/cpu/isa.h"
#include "keratin/backends/cpu/parallel.h"
#include "keratin/backends/cpu/system_memory.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {

void set_num_threads(int threads) { cpu::set_num_threads(threads); }
int num_threads() { return cpu::num_threads(); }

namespace cpu {
namespace {

// Blocks of several of these are aligned to them, so that the kernel can back them by huge pages.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::string plural(i64 count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace

CpuBackend::CpuBackend() : model_name_(cpu_model_name()) {
  // Throw here, and not in the first step, when KERATIN_CPU_ISA or KERATIN_CPU_BF16 ask for what this CPU cannot run.
  simd();
  bf16_unit();
}

CpuBackend::~CpuBackend() {
  for (const auto& [memory, bytes] : sizes_) std::free(memory);
}

DeviceInfo CpuBackend::info() const {
  return {.name = "cpu:0",
          .kind = "CPU",
          .description = model_name_ + ", " + plural(usable_cpus(), "core") + ", " +
                         plural(cpu::num_threads(), "thread") + ", " + simd().name,
          .versions = {{"Eigen", std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) + "." +
                                     std::to_string(EIGEN_MINOR_VERSION)},
                       {"precision", describe_precisions()}}};
}

MemoryInfo CpuBackend::memory() const {
  const SystemMemory system = system_memory();
  const std::lock_guard lock(mutex_);
  return {.total = system.total, .free = system.free, .used = used_, .limit = limit_};
}

void CpuBackend::set_memory_limit(std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  limit_ = bytes;
}

void* CpuBackend::allocate(std::size_t bytes) {
  const std::size_t alignment = bytes >= 2 * kHugePage ? kHugePage : static_cast<std::size_t>(kSlotAlignment);
  const std::size_t rounded = (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  const std::lock_guard lock(mutex_);
  if (limit_ > 0 && used_ + static_cast<std::int64_t>(bytes) > limit_) {
    throw OutOfMemory("cpu:0: " + std::to_string(bytes) + " bytes do not fit the memory limit of " +
                      std::to_string(limit_) + " bytes, of which " + std::to_string(used_) +
                      " are in use; raise the limit or use a smaller batch size");
  }
  // More than the machine has is not asked for: systems that promise memory freely would say yes and end the process
  // when it is used.
  const std::int64_t total = system_memory().total;  // 0: the system does not tell
  const bool possible = rounded >= bytes && (total <= 0 || rounded <= static_cast<std::size_t>(total));
  void* memory = possible ? std::aligned_alloc(alignment, rounded) : nullptr;
  if (!memory) {
    throw OutOfMemory("cpu:0: the system has no " + std::to_string(bytes) +
                      " bytes of memory; use a smaller batch size or model");
  }
#ifdef MADV_HUGEPAGE
  // Only advice: fewer misses of the address cache where the system allows it.
  if (alignment == kHugePage) madvise(memory, rounded, MADV_HUGEPAGE);
#endif
  std::memset(memory, 0, rounded);
  sizes_.emplace(memory, static_cast<std::int64_t>(bytes));
  used_ += static_cast<std::int64_t>(bytes);
  return memory;
}

void CpuBackend::release(void* memory) {
  if (!memory) return;
  const std::lock_guard lock(mutex_);
  const auto found = sizes_.find(memory);
  if (found == sizes_.end()) throw InvalidArgument("cpu:0: release of memory that was not allocated here");
  used_ -= found->second;
  sizes_.erase(found);
  std::free(memory);
}

void CpuBackend::upload(void* to, std::span<const std::byte> from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}
void CpuBackend::download(std::span<std::byte> to, const void* from) {
  if (!to.empty()) std::memcpy(to.data(), from, to.size());
}

bool CpuBackend::supports(std::string_view op, const std::any& attrs, std::span<const SpecView> inputs,
                          std::span<const SpecView> outputs) const {
  return kernel_table().prepare({op, attrs, inputs, outputs}) != nullptr;
}

std::unique_ptr<Executable> CpuBackend::prepare(const Plan& plan, const CompileOptions& options) {
  // Every result is the same for any number of threads and in every run: `deterministic` changes nothing.
  return std::make_unique<CpuExecutable>(plan, options);
}

}  // namespace cpu
}  // namespace keratin
