// PlanInstance: a plan with its memory on a device, ready to be fed, run and read; Arena: the scratch that plans share.
#pragma once

#include <memory>
#include <vector>

#include "keratin/core/runtime/backend.h"

namespace keratin {

// A block of a backend's memory.
class DeviceBlock {
 public:
  DeviceBlock(std::shared_ptr<Backend> backend, std::size_t bytes);
  ~DeviceBlock();
  DeviceBlock(const DeviceBlock&) = delete;
  DeviceBlock& operator=(const DeviceBlock&) = delete;
  std::byte* address() const { return address_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<Backend> backend_;
  std::byte* address_;
  std::size_t bytes_;
};

// Scratch and workspace for plans that never run at the same time; grows to the largest of them.
class Arena {
 public:
  explicit Arena(std::shared_ptr<Backend> backend) : backend_(std::move(backend)) {}
  const std::shared_ptr<Backend>& backend() const { return backend_; }
  // Makes room before anything runs; moves the regions when they must grow.
  void reserve(std::int64_t scratch, std::int64_t workspace);
  // By how many bytes that would grow.
  std::int64_t growth(std::int64_t scratch, std::int64_t workspace) const;
  std::uint64_t generation() const { return generation_; }
  void* scratch() const { return scratch_ ? scratch_->address() : nullptr; }
  void* workspace() const { return workspace_ ? workspace_->address() : nullptr; }

 private:
  std::shared_ptr<Backend> backend_;
  std::unique_ptr<DeviceBlock> scratch_, workspace_;
  std::uint64_t generation_ = 1;
};

class PlanValidator;

class PlanInstance {
 public:
  // Prepares the plan; allocates nothing yet. With KERATIN_VALIDATE=1 runs are checked against the reference backend.
  PlanInstance(Plan plan, const CompileOptions& options, std::shared_ptr<Arena> arena);
  ~PlanInstance();

  const Plan& plan() const { return plan_; }
  Executable& executable() { return *executable_; }
  // Bytes this plan adds: its feeds, the variables that have no place on the device yet, growth of the arena.
  std::int64_t bytes_to_allocate() const;
  // The same for several plans of one arena together: a variable counts once, and the arena grows to the largest parts.
  static std::int64_t bytes_to_allocate(std::span<const PlanInstance* const> plans);
  // Allocates and binds. Throws OutOfMemory before anything is allocated when it does not fit the device or the limit.
  void allocate();

  // Copies to the i-th input / from the i-th output; sizes are checked by assertion of equal bytes (InvalidArgument).
  void write_input(int i, std::span<const std::byte> data);
  void write_input(int i, const Tensor& value);
  void read_output(int i, std::span<std::byte> data);
  Tensor read_output(int i);
  // The i-th input's or output's memory, for backends that share the host's.
  void* input_address(int i) const;
  void* output_address(int i) const;

  // Runs the plan once: variables changed by the host are uploaded first. Allocates nothing after the first run.
  void run();
  // Never checked: what it times are the plan's own kernels.
  std::vector<double> run_profiled();

 private:
  std::int64_t workspace_bytes() const;
  Regions regions() const;
  void before_run();
  void after_run();
  void place_variables();
  void bind();

  Plan plan_;
  std::shared_ptr<Arena> arena_;
  std::unique_ptr<Executable> executable_;
  std::unique_ptr<PlanValidator> validator_;  // null unless asked for
  std::unique_ptr<DeviceBlock> feed_;
  std::vector<void*> state_addresses_;
  std::vector<std::uint64_t> versions_;  // of the variables, as of the last run; empty: nobody asks
  std::uint64_t bound_generation_ = 0;
  std::string device_name_;
};

}  // namespace keratin
