// ReferenceExecutable: runs the steps of a plan one after another.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keratin/backends/reference/kernels.h"
#include "keratin/core/runtime/backend.h"

namespace keratin::reference {

class ReferenceExecutable final : public Executable {
 public:
  // Throws BackendError naming the op when a step has no kernel.
  ReferenceExecutable(const Plan& plan, const std::string& device);

  std::int64_t workspace_bytes() const override { return 0; }
  void bind(const Regions& regions) override;
  void run() override;
  std::string describe(int step) const override;
  std::vector<double> run_profiled() override;

 private:
  struct PreparedStep {
    const Kernel* kernel;
    std::any attrs;
    std::vector<int> input_slots, output_slots;
    std::vector<Array> inputs, outputs;
    std::string description;
    void run() const { (*kernel)(attrs, inputs, outputs); }
  };

  std::vector<Slot> slots_;
  std::vector<PreparedStep> steps_;
};

}  // namespace keratin::reference
