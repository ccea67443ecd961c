// ReferenceBackend: the device "reference:0": host memory and the kernels of kernels.h.
#pragma once

#include <mutex>
#include <unordered_map>

#include "keratin/core/runtime/backend.h"

namespace keratin::reference {

class ReferenceBackend final : public Backend {
 public:
  ~ReferenceBackend() override;
  DeviceInfo info() const override;
  MemoryInfo memory() const override;
  void set_memory_limit(std::int64_t bytes) override;
  // New memory is filled with 0xff: a plan that reads what nobody wrote computes NaN and is found out.
  void* allocate(std::size_t bytes) override;
  void release(void* memory) override;
  void upload(void* to, std::span<const std::byte> from) override;
  void download(std::span<std::byte> to, const void* from) override;
  void synchronize() override {}
  bool shares_host_memory() const override { return true; }
  bool supports(std::string_view op, const std::any& attrs, std::span<const SpecView> inputs,
                std::span<const SpecView> outputs) const override;
  std::unique_ptr<Executable> prepare(const Plan& plan, const CompileOptions& options) override;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<void*, std::int64_t> sizes_;
  std::int64_t used_ = 0, limit_ = 0;
};

}  // namespace keratin::reference
