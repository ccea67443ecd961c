// scan: the plan of its body, run once for each step.
#include <algorithm>
#include <cstring>

#include "keratin/backends/cpu/executable.h"
#include "keratin/backends/cpu/typed.h"
#include "keratin/core/ops/scan.h"
#include "keratin/core/runtime/detail/loop_walk.h"

namespace keratin::cpu {
namespace {

// What a kernel makes of an operand that is the same in every step, it makes once.
struct Preparation {
  KernelPtr kernel;
  std::size_t input = 0, to = 0;  // of the loop; in its memory
};

KernelPtr prepare_scan(const OpCall& call) {
  const auto* attrs = call.attributes<ScanAttrs>();
  if (!attrs || !attrs->plan || !call.has(attrs->plan->inputs.size(), attrs->plan->outputs.size())) return nullptr;
  std::optional<LoopWalk> walk =
      LoopWalk::make(*attrs->plan, {attrs->sequences, attrs->carries, attrs->length, attrs->reverse});
  if (!walk) return nullptr;
  std::vector<KernelPtr> kernels;
  std::vector<Preparation> preparations;
  std::size_t kernel_bytes = 0;
  std::size_t kernel_count = 0;
  for (std::size_t i = 0; i < attrs->plan->steps.size(); ++i) {
    if (!walk->runs(i)) {
      kernels.push_back(nullptr);
      continue;
    }
    ++kernel_count;
    KernelPtr kernel = prepare_step(*attrs->plan, attrs->plan->steps[i], call.precision);
    SplitKernel parts = walk->length() > 1 ? kernel->split() : SplitKernel{};
    if (parts.prepare) {
      if (const auto input = walk->constant_input(i, parts.input)) {
        kernel_bytes = std::max(kernel_bytes, parts.prepare->workspace_bytes());
        preparations.push_back({std::move(parts.prepare), *input, walk->own(i, parts.input, parts.bytes)});
        kernel = std::move(parts.run);
      }
    }
    kernel_bytes = std::max(kernel_bytes, kernel->workspace_bytes());
    kernels.push_back(std::move(kernel));
  }
  std::string description =
      "loop of " + std::to_string(walk->length()) + " steps, " + std::to_string(kernel_count) + " kernels in each";
  // The workspace: the loop's memory, its addresses, the kernels' workspace.
  const auto alignment = static_cast<std::size_t>(kSlotAlignment);
  const std::size_t addresses = walk->memory_bytes();
  const std::size_t kernel_workspace =
      addresses + (walk->address_count() * sizeof(void*) + alignment - 1) / alignment * alignment;
  return make_kernel(std::move(description), kernel_workspace + kernel_bytes,
                     [=, walk = std::move(*walk), kernels = std::move(kernels), preparations = std::move(preparations)](
                         const void* const* in, void* const* out, void* workspace) {
                       auto* base = static_cast<std::byte*>(workspace);
                       for (const Preparation& preparation : preparations) {
                         void* to = base + preparation.to;
                         preparation.kernel->run(in + preparation.input, &to, base + kernel_workspace);
                       }
                       walk.run(
                           in, out, base, reinterpret_cast<void**>(base + addresses),
                           [&](std::size_t i, const void* const* inputs, void* const* outputs) {
                             kernels[i]->run(inputs, outputs, base + kernel_workspace);
                           },
                           [](void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); });
                     });
}

}  // namespace

void register_loop(KernelTable& table) { table.add(kScan.name, prepare_scan); }

}  // namespace keratin::cpu
