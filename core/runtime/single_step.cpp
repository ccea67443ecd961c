#include "keratin/core/runtime/detail/single_step.h"

#include <map>

namespace keratin {

SingleStep single_step(const Plan& plan, std::size_t step) {
  SingleStep result;
  Plan& single = result.plan;
  single.name = plan.name;
  single.feed_bytes = plan.feed_bytes;
  single.scratch_bytes = plan.scratch_bytes;
  std::map<int, int> slots;  // of the whole plan, to those of the single step
  auto slot_for = [&](int old) {
    const auto [found, is_new] = slots.emplace(old, static_cast<int>(single.slots.size()));
    if (!is_new) return found->second;
    Slot slot = plan.slots[static_cast<std::size_t>(old)];
    if (slot.region == Region::state) {
      const auto variable = static_cast<std::size_t>(slot.offset);
      slot.offset = static_cast<std::int64_t>(single.variables.size());
      single.variables.push_back(plan.variables[variable]);
      single.variable_written.push_back(plan.variable_written[variable]);
      result.variables.push_back(variable);
    }
    single.slots.push_back(std::move(slot));
    return found->second;
  };
  Step one = plan.steps[step];
  for (int& slot : one.inputs) slot = slot_for(slot);
  for (int& slot : one.outputs) slot = slot_for(slot);
  single.steps.push_back(std::move(one));
  return result;
}

}  // namespace keratin
