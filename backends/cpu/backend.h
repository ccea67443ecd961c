// CpuBackend: the device "cpu:0": host memory and the kernels of the best instruction set this CPU has.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>

#include "keratin/core/runtime/backend.h"

namespace keratin::cpu {

class CpuBackend final : public Backend {
 public:
  CpuBackend();
  ~CpuBackend() override;
  DeviceInfo info() const override;
  MemoryInfo memory() const override;
  void set_memory_limit(std::int64_t bytes) override;
  // Zeros. Throws OutOfMemory when it would exceed the limit or the system has no more.
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
  std::string model_name_;
  mutable std::mutex mutex_;
  std::unordered_map<void*, std::int64_t> sizes_;  // of the blocks in use
  std::int64_t used_ = 0, limit_ = 0;
};

}  // namespace keratin::cpu
