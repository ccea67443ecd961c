// CpuExecutable: a plan as a row of prepared kernels and the addresses they work on. Steps that work image by image are
// run for a few images at a time where that keeps what passes between them in the cache (image_blocks.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keratin/backends/cpu/image_blocks.h"
#include "keratin/backends/cpu/kernel.h"
#include "keratin/core/runtime/backend.h"

namespace keratin::cpu {

// The kernel of a plan's step. Throws BackendError naming the op when there is none.
KernelPtr prepare_step(const Plan& plan, const Step& step, Precision precision);

class CpuExecutable final : public Executable {
 public:
  // Throws BackendError naming the op when a step has no kernel.
  CpuExecutable(const Plan& plan, const CompileOptions& options, const BlockLimits& limits = block_limits());
  // With KERATIN_PROFILE=1 it prints where the time of its runs went.
  ~CpuExecutable() override;

  std::int64_t workspace_bytes() const override { return workspace_bytes_; }
  void bind(const Regions& regions) override;
  void variables_changed() override { prepared_ = false; }
  void run() override;
  std::string describe(int step) const override;
  std::vector<double> run_profiled() override;

 private:
  struct StepState {
    KernelPtr kernel;
    std::vector<int> slots;  // inputs, then outputs
    std::size_t inputs = 0;
    std::string scope, op;
    bool once = false;  // in a chain: with the first block only
  };
  // An operand that lies further on for each block of a chain.
  struct Moving {
    std::size_t operand;  // of all
    std::byte* base;
    std::int64_t row_bytes;
  };
  struct Chain {
    ImageBlocks blocks;
    std::vector<Moving> moving;
  };
  // What run() reads, in order.
  struct Call {
    const Kernel* kernel;
    const void* const* in;
    void* const* out;
  };
  struct Place {
    Region region;
    std::int64_t offset;
  };
  // What a kernel makes of a variable, kept behind the kernels' workspace.
  struct Preparation {
    KernelPtr kernel;
    int variable = 0;
    std::size_t step = 0, input = 0;
    std::int64_t offset = 0;
    bool keeps = false;  // until the variable changes; otherwise for one run
  };
  void make_chains(const Plan& plan, const BlockLimits& limits);
  const Chain* chain_of(std::size_t step) const;
  void split_steps(const Plan& plan, bool keeps_prepared);
  // Adds what a preparation for this run takes to its step's seconds.
  void prepare_variables(std::vector<double>* seconds);
  // Of the first operand of a step among addresses_.
  std::size_t operand_of(std::size_t step) const;
  void bind_chain(Chain& chain);
  std::string description(std::size_t step) const;
  // run(step) for all steps in order: those of chains for one block of images after another.
  template <class F>
  void visit(F&& run);
  void run_timed(std::vector<double>& seconds);
  std::string profile() const;

  std::string name_;
  std::vector<Place> places_;  // of the plan's slots
  std::vector<StepState> steps_;
  std::vector<Chain> chains_;
  std::int64_t chain_memory_ = 0;  // where in the workspace
  std::vector<void*> addresses_;   // of every step's inputs and outputs
  std::vector<Call> calls_;
  std::vector<Preparation> preparations_;
  std::vector<void*> variables_;  // their addresses
  bool prepared_ = false;         // as the variables are now
  std::int64_t workspace_bytes_ = 0;
  void* workspace_ = nullptr;
  bool profiling_ = false;
  std::vector<double> seconds_;  // spent in each step so far, when profiling
  std::int64_t runs_ = 0;
};

}  // namespace keratin::cpu
