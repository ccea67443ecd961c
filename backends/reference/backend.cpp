#include "keratin/backends/reference/backend.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "keratin/backends/reference/executable.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::reference {
namespace {

std::int64_t physical_memory() { return std::int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE); }

}  // namespace

ReferenceBackend::~ReferenceBackend() {
  for (auto& [memory, bytes] : sizes_) std::free(memory);
}

DeviceInfo ReferenceBackend::info() const {
  return {.name = "reference:0", .kind = "CPU", .description = "plain loops in double precision", .versions = {}};
}

MemoryInfo ReferenceBackend::memory() const {
  std::lock_guard lock(mutex_);
  const std::int64_t total = physical_memory();
  return {.total = total, .free = total - used_, .used = used_, .limit = limit_};
}

void ReferenceBackend::set_memory_limit(std::int64_t bytes) {
  std::lock_guard lock(mutex_);
  limit_ = bytes;
}

void* ReferenceBackend::allocate(std::size_t bytes) {
  constexpr auto kAlignment = static_cast<std::size_t>(kSlotAlignment);
  const std::size_t rounded = (bytes / kAlignment + 1) * kAlignment;
  const bool too_large = bytes > static_cast<std::size_t>(physical_memory());
  void* memory = too_large ? nullptr : std::aligned_alloc(kAlignment, rounded);
  if (!memory) throw OutOfMemory("reference:0: cannot allocate " + std::to_string(bytes) + " bytes of host memory");
  std::memset(memory, 0xff, rounded);
  std::lock_guard lock(mutex_);
  sizes_[memory] = static_cast<std::int64_t>(rounded);
  used_ += static_cast<std::int64_t>(rounded);
  return memory;
}

void ReferenceBackend::release(void* memory) {
  if (!memory) return;
  std::lock_guard lock(mutex_);
  const auto found = sizes_.find(memory);
  if (found == sizes_.end()) throw BackendError("reference:0: release of memory that it did not allocate");
  used_ -= found->second;
  sizes_.erase(found);
  std::free(memory);
}

void ReferenceBackend::upload(void* to, std::span<const std::byte> from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}
void ReferenceBackend::download(std::span<std::byte> to, const void* from) {
  if (!to.empty()) std::memcpy(to.data(), from, to.size());
}

bool ReferenceBackend::supports(std::string_view op, const std::any&, std::span<const SpecView>,
                                std::span<const SpecView>) const {
  return kernels().contains(op);
}

std::unique_ptr<Executable> ReferenceBackend::prepare(const Plan& plan, const CompileOptions&) {
  return std::make_unique<ReferenceExecutable>(plan, info().name);
}

}  // namespace keratin::reference
