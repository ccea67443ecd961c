#include "keratin/backends/reference/executable.h"

#include <chrono>

#include "keratin/core/tensor/errors.h"

namespace keratin::reference {

ReferenceExecutable::ReferenceExecutable(const Plan& plan, const std::string& device) : slots_(plan.slots) {
  for (const Step& step : plan.steps) {
    const auto kernel = kernels().find(step.op);
    if (kernel == kernels().end()) {
      throw BackendError(device + " has no kernel for op '" + std::string(step.op) + "' of plan '" + plan.name +
                         "'; ask supports() and decompose it first");
    }
    steps_.push_back({&kernel->second,
                      step.attrs,
                      step.inputs,
                      step.outputs,
                      {},
                      {},
                      step.description.empty() ? std::string(step.op) : step.description});
  }
}

void ReferenceExecutable::bind(const Regions& regions) {
  auto array = [&](int slot) {
    const Slot& s = slots_[static_cast<std::size_t>(slot)];
    if (s.region == Region::state) {
      return Array{s.shape, s.dtype, static_cast<std::byte*>(regions.state[static_cast<std::size_t>(s.offset)])};
    }
    void* region = s.region == Region::feed ? regions.feed : regions.scratch;
    return Array{s.shape, s.dtype, static_cast<std::byte*>(region) + s.offset};
  };
  for (PreparedStep& step : steps_) {
    step.inputs.clear();
    step.outputs.clear();
    for (int slot : step.input_slots) step.inputs.push_back(array(slot));
    for (int slot : step.output_slots) step.outputs.push_back(array(slot));
  }
}

void ReferenceExecutable::run() {
  for (const PreparedStep& step : steps_) step.run();
}

std::string ReferenceExecutable::describe(int step) const {
  return steps_[static_cast<std::size_t>(step)].description + ": loops in double";
}

std::vector<double> ReferenceExecutable::run_profiled() {
  std::vector<double> seconds;
  for (const PreparedStep& step : steps_) {
    const auto start = std::chrono::steady_clock::now();
    step.run();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return seconds;
}

}  // namespace keratin::reference
