// CudaBackend: a device "cuda:<n>": its memory, and the plans prepared for it.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "keratin/backends/cuda/context.h"
#include "keratin/backends/cuda/staging.h"
#include "keratin/core/runtime/backend.h"

namespace keratin::cuda {

class CudaBackend final : public Backend {
 public:
  // `kind` is "cuda"; the tests' simulator has another name. Throws DeviceError.
  CudaBackend(const std::string& kind, int device, const Libraries& libraries);
  ~CudaBackend() override;
  DeviceInfo info() const override;
  MemoryInfo memory() const override;
  void set_memory_limit(std::int64_t bytes) override;
  // Sharing saves little memory for small values, and ties together what could be on different branches of a graph.
  std::int64_t unshared_bytes() const override { return std::int64_t{16} << 10; }
  void* allocate(std::size_t bytes) override;
  void release(void* memory) override;
  void upload(void* to, std::span<const std::byte> from) override;
  void download(std::span<std::byte> to, const void* from) override;
  void synchronize() override;
  bool supports(std::string_view op, const std::any& attrs, std::span<const SpecView> inputs,
                std::span<const SpecView> outputs) const override;
  std::unique_ptr<Executable> prepare(const Plan& plan, const CompileOptions& options) override;

 private:
  std::shared_ptr<Context> context_;
  std::unique_ptr<Staging> staging_;
  DeviceInfo info_;
  std::unordered_map<void*, std::int64_t> sizes_;  // of the blocks in use
  std::int64_t used_ = 0, limit_ = 0;
};

}  // namespace keratin::cuda
