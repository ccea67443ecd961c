#include "keratin/core/runtime/plan.h"

namespace keratin {
namespace {

std::string place(const Plan& plan, int slot) {
  const Slot& s = plan.slots[static_cast<std::size_t>(slot)];
  if (s.region == Region::state) return plan.variables[static_cast<std::size_t>(s.offset)]->path();
  return (s.region == Region::feed ? "feed+" : "scratch+") + std::to_string(s.offset) + s.shape.to_string();
}

std::string join(const Plan& plan, const std::vector<int>& slots) {
  std::string result;
  for (int slot : slots) result += (result.empty() ? "" : ", ") + place(plan, slot);
  return result;
}

}  // namespace

std::string Plan::to_string() const {
  std::string result = "plan " + name + ": " + std::to_string(steps.size()) + " steps, scratch " +
                       std::to_string(scratch_bytes) + " bytes, feed " + std::to_string(feed_bytes) + " bytes\n";
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    result += std::to_string(i) + "  " + step.description + "  [" + join(*this, step.inputs) + "] -> [" +
              join(*this, step.outputs) + "]" + (step.scope.empty() ? "" : "  in " + step.scope) + "\n";
  }
  return result;
}

}  // namespace keratin
