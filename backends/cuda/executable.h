// CudaExecutable: a plan as a row of prepared kernels. The first run is eager, because libraries load their kernels
// when they first use them; the second one is captured as a graph, with branches for what need not wait for each other,
// and from then on the graph is launched.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keratin/backends/cuda/branches.h"
#include "keratin/backends/cuda/kernel.h"
#include "keratin/core/runtime/backend.h"

namespace keratin::cuda {

class CudaExecutable final : public Executable {
 public:
  // Throws BackendError naming the op when a step has no kernel.
  CudaExecutable(std::shared_ptr<Context> context, std::string device, const Plan& plan, const CompileOptions& options);
  ~CudaExecutable() override;

  std::int64_t workspace_bytes() const override { return workspace_bytes_; }
  void bind(const Regions& regions) override;
  // With KERATIN_CUDA_GRAPH=0 every run is eager, with KERATIN_CUDA_GRAPH=chain the graph has no branches.
  void run() override;
  std::string describe(int step) const override;
  std::vector<double> run_profiled() override;

 private:
  struct StepState {
    KernelPtr kernel;
    std::vector<int> slots;  // inputs, then outputs
    std::size_t inputs = 0;
    std::string scope, op;
    std::int64_t kept_at = -1;  // behind the workspace, what is kept of a step for another
  };
  struct Place {
    Region region;
    std::int64_t offset, bytes;
  };
  // Steps of which one goes on from what the other leaves, and how much workspace the plan needs then.
  void join_steps(const Plan& plan);
  Launch launch_of(std::size_t step, Stream stream) const;
  void launch_step(std::size_t step, Stream stream) const;
  // Neighbouring steps that share launches; made when the addresses are known.
  void make_tapes();
  struct Work;
  void launch(const Work& work, Stream stream) const;
  MemoryUse use_of(const Work& work) const;
  void run_eagerly() const;
  void run_on_branches() const;
  bool capture();
  void drop_graph();

  std::shared_ptr<Context> context_;
  std::string device_, name_;
  std::vector<Place> places_;  // of the plan's slots
  std::vector<StepState> steps_;
  std::vector<void*> addresses_;         // of every step's inputs and outputs
  std::vector<std::size_t> first_slot_;  // of each step in `addresses_`
  // What a run launches: a step, or a tape with the steps [first, first + tape.count).
  struct Work {
    std::size_t first = 0;
    int tape = -1;  // of `tapes_`
  };
  std::vector<Work> work_;
  std::vector<Tape> tapes_;
  std::int64_t workspace_bytes_ = 0;
  std::byte* workspace_ = nullptr;
  bool graph_wanted_ = true, branches_wanted_ = true, warm_ = false;
  GraphExec graph_ = nullptr;
};

}  // namespace keratin::cuda
