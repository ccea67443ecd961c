// Backend: one device that can prepare and run plans. The whole contract between Keratin and its backends.
#pragma once

#include <any>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keratin/core/runtime/device_info.h"
#include "keratin/core/runtime/plan.h"

namespace keratin {

// Where a plan's regions lie while it is bound.
struct Regions {
  std::span<void* const> state;  // one address for each of Plan::variables
  void* feed = nullptr;
  void* scratch = nullptr;
  void* workspace = nullptr;
};

// A plan prepared for one device: algorithms chosen, descriptors made. It owns no device memory.
class Executable {
 public:
  virtual ~Executable() = default;
  virtual std::int64_t workspace_bytes() const = 0;
  // Addresses for the runs to come; called again after a region moved.
  virtual void bind(const Regions& regions) = 0;
  // Variables that the plan reads have other values than in the run before.
  virtual void variables_changed() {}
  // Enqueues the whole plan once.
  virtual void run() = 0;
  // Kernel and algorithm of a step, for the placement log.
  virtual std::string describe(int step) const = 0;
  // Runs once and returns the seconds each step took.
  virtual std::vector<double> run_profiled() = 0;
};

struct SpecView {
  const Shape& shape;
  DType dtype;
};

// One device. Calls take effect in order; only `download` and `synchronize` wait.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual DeviceInfo info() const = 0;
  virtual MemoryInfo memory() const = 0;
  virtual void set_memory_limit(std::int64_t bytes) = 0;
  // Memory aligned to kSlotAlignment. Throws OutOfMemory.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* memory) = 0;
  virtual void upload(void* to, std::span<const std::byte> from) = 0;
  virtual void download(std::span<std::byte> to, const void* from) = 0;
  virtual void synchronize() = 0;
  // True when the host may read and write the device's memory: data sets need no copy then.
  virtual bool shares_host_memory() const { return false; }
  // Values of at most so many bytes share their place in a plan with no other value: steps that do not need each other
  // may overlap then.
  virtual std::int64_t unshared_bytes() const { return 0; }
  // Whether there is a kernel for an op with these attributes and specs; what has none is decomposed.
  virtual bool supports(std::string_view op, const std::any& attrs, std::span<const SpecView> inputs,
                        std::span<const SpecView> outputs) const = 0;
  virtual std::unique_ptr<Executable> prepare(const Plan& plan, const CompileOptions& options) = 0;
};

}  // namespace keratin
