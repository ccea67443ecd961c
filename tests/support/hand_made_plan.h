// HandMadePlan: a plan put together step by step, without graph and compiler, and run on a device.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "keratin/core/graph/spec.h"
#include "keratin/core/runtime/plan_instance.h"

namespace keratin::testing {

class HandMadePlan {
 public:
  // Each returns the number of a new slot.
  int input(const Tensor& value);
  int constant(const Tensor& value);
  int scratch(const Spec& spec);
  int output(const Spec& spec);
  int variable(const VariablePtr& variable, bool written);
  // Adds a step; outputs that are variables are written by it. `op` must be a literal: plans keep the view.
  void step(std::string_view op, std::any attrs, std::vector<int> inputs, std::vector<int> outputs);

  const Plan& plan() const { return plan_; }
  // Feeds the inputs, runs once and reads the outputs.
  std::vector<Tensor> run(const std::shared_ptr<Backend>& device) const;

 private:
  int add(Slot slot);

  Plan plan_;
  std::vector<Tensor> fed_;
};

// The result of one op with one output.
Tensor run_op(const std::shared_ptr<Backend>& device, std::string_view op, std::any attrs,
              const std::vector<Tensor>& inputs, const Spec& output);

}  // namespace keratin::testing
