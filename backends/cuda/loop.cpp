// scan: the kernels of its body's plan, launched for each step.
#include <algorithm>
#include <vector>

#include "keratin/backends/cuda/kernel.h"
#include "keratin/core/ops/scan.h"
#include "keratin/core/runtime/detail/loop_walk.h"

namespace keratin::cuda {
namespace {

class Loop final : public Kernel {
 public:
  Loop(LoopWalk walk, std::vector<KernelPtr> kernels, i64 kernel_bytes)
      : Kernel("", static_cast<i64>(walk.memory_bytes()) + kernel_bytes),
        walk_(std::move(walk)),
        kernels_(std::move(kernels)) {}

  std::string description() const override {
    std::string kernels;
    std::size_t count = 0;
    for (const KernelPtr& kernel : kernels_) {
      if (kernel) kernels += (count++ == 0 ? ": " : "; ") + kernel->description();
    }
    return "loop of " + std::to_string(walk_.length()) + " steps, " + std::to_string(count) + " kernels in each" +
           kernels;
  }

  i64 launches() const override {
    i64 turn = 1;  // copies
    for (const KernelPtr& kernel : kernels_) turn += kernel ? kernel->launches() : 0;
    return walk_.length() * turn;
  }

  // Among its kernels may be some of cuDNN's, whose work goes to the first stream.
  bool runs_on_any_stream() const override { return false; }

  // The host walks through the steps and puts their work on the stream; a captured graph has all of it.
  void run(const Launch& l) const override {
    std::vector<void*> addresses(walk_.address_count());
    std::byte* kernel_workspace = l.workspace + walk_.memory_bytes();
    walk_.run(
        l.in, l.out, l.workspace, addresses.data(),
        [&](std::size_t i, const void* const* in, void* const* out) {
          kernels_[i]->run({l.stream, in, out, kernel_workspace});
        },
        [&](void* to, const void* from, std::size_t bytes) {
          check_runtime(runtime_api().copy_on_device(to, from, bytes, l.stream), "cudaMemcpyAsync");
        });
  }

 private:
  LoopWalk walk_;
  std::vector<KernelPtr> kernels_;
};

KernelPtr prepare_scan(const OpCall& call) {
  const auto* attrs = call.attributes<ScanAttrs>();
  if (!attrs || !attrs->plan || !call.has(attrs->plan->inputs.size(), attrs->plan->outputs.size())) return nullptr;
  const Plan& plan = *attrs->plan;
  std::optional<LoopWalk> walk =
      LoopWalk::make(plan, {attrs->sequences, attrs->carries, attrs->length, attrs->reverse, true});
  if (!walk) return nullptr;
  std::vector<KernelPtr> kernels;
  i64 kernel_bytes = 0;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    if (!walk->runs(i)) {
      kernels.push_back(nullptr);
      continue;
    }
    KernelPtr kernel = prepare_step(plan, plan.steps[i], call.options, call.context, walk->alignment(i, call.alignment),
                                    call.only_asking);
    if (!kernel) return nullptr;
    kernel_bytes = std::max(kernel_bytes, kernel->workspace_bytes());
    kernels.push_back(std::move(kernel));
  }
  return std::make_unique<Loop>(std::move(*walk), std::move(kernels), kernel_bytes);
}

}  // namespace

void register_loop(KernelTable& table) { table.add(kScan.name, prepare_scan); }

}  // namespace keratin::cuda
