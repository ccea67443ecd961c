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

#include "keratin/core/runtime/plan.h"

namespace keratin {

// PyTorch's meaning of float32 precision: highest is true float32; high allows TF32 or two bfloat16 numbers for each
// float32; medium one.
enum class Precision : std::uint8_t { highest, high, medium };

struct CompileOptions {
  Precision precision = Precision::highest;
  bool deterministic = false;
  // Whether the executable may keep what it makes of variables in its workspace from run to run, until it is told that
  // they changed. The workspace must then be its own.
  bool keeps_prepared = false;
};

struct DeviceInfo {
  std::string name;                                           // "cpu:0", "cuda:0"
  std::string kind;                                           // "CPU", "GPU"
  std::string description;                                    // the hardware's own name, cores, instruction set
  int compute_capability = 0;                                 // 90 for sm_90; 0 on CPUs
  std::vector<std::pair<std::string, std::string>> versions;  // library or driver and its version; "precision"
};

struct MemoryInfo {
  std::int64_t total = 0, free = 0;  // of the device, in bytes
  std::int64_t used = 0;             // allocated through this backend
  std::int64_t limit = 0;            // set by the user; 0: none
  std::int64_t overhead = 0;         // taken by the driver's context and the libraries, as measured; 0: unknown or none
};

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
  // Whether there is a kernel for an op with these attributes and specs; what has none is decomposed.
  virtual bool supports(std::string_view op, const std::any& attrs, std::span<const SpecView> inputs,
                        std::span<const SpecView> outputs) const = 0;
  virtual std::unique_ptr<Executable> prepare(const Plan& plan, const CompileOptions& options) = 0;
};

}  // namespace keratin
