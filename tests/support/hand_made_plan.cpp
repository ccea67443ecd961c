#include "tests/support/hand_made_plan.h"

namespace keratin::testing {
namespace {

std::int64_t aligned(std::int64_t bytes) { return (bytes + kSlotAlignment - 1) / kSlotAlignment * kSlotAlignment; }

}  // namespace

int HandMadePlan::add(Slot slot) {
  if (slot.region != Region::state) {
    std::int64_t& end = slot.region == Region::feed ? plan_.feed_bytes : plan_.scratch_bytes;
    slot.offset = end;
    end += std::max(aligned(slot.bytes()), kSlotAlignment);
  }
  plan_.slots.push_back(std::move(slot));
  return static_cast<int>(plan_.slots.size()) - 1;
}

int HandMadePlan::input(const Tensor& value) {
  const int slot = add({value.shape(), value.dtype(), Region::feed, 0});
  plan_.inputs.push_back(slot);
  fed_.push_back(value);
  return slot;
}
int HandMadePlan::constant(const Tensor& value) {
  const int slot = add({value.shape(), value.dtype(), Region::feed, 0});
  plan_.constants.push_back({slot, value});
  return slot;
}
int HandMadePlan::scratch(const Spec& spec) { return add({spec.shape, spec.dtype, Region::scratch, 0}); }
int HandMadePlan::output(const Spec& spec) {
  plan_.outputs.push_back(add({spec.shape, spec.dtype, Region::feed, 0}));
  return plan_.outputs.back();
}
int HandMadePlan::variable(const VariablePtr& variable, bool written) {
  plan_.variables.push_back(variable);
  plan_.variable_written.push_back(written);
  return add(
      {variable->shape(), variable->dtype(), Region::state, static_cast<std::int64_t>(plan_.variables.size()) - 1});
}

void HandMadePlan::step(std::string_view op, std::any attrs, std::vector<int> inputs, std::vector<int> outputs) {
  plan_.steps.push_back({op, std::move(attrs), std::move(inputs), std::move(outputs), "", std::string(op)});
}

std::vector<Tensor> HandMadePlan::run(const std::shared_ptr<Backend>& device) const {
  PlanInstance instance(plan_, {}, std::make_shared<Arena>(device));
  instance.allocate();
  for (std::size_t i = 0; i < fed_.size(); ++i) instance.write_input(static_cast<int>(i), fed_[i]);
  instance.run();
  std::vector<Tensor> results;
  for (std::size_t i = 0; i < plan_.outputs.size(); ++i) results.push_back(instance.read_output(static_cast<int>(i)));
  return results;
}

Tensor run_op(const std::shared_ptr<Backend>& device, std::string_view op, std::any attrs,
              const std::vector<Tensor>& inputs, const Spec& output) {
  HandMadePlan plan;
  std::vector<int> slots;
  for (const Tensor& input : inputs) slots.push_back(plan.input(input));
  const int result = plan.output(output);
  plan.step(op, std::move(attrs), slots, {result});
  return plan.run(device).front();
}

}  // namespace keratin::testing
