// SingleStep: one step of a plan as a plan of its own, in the same memory.
#pragma once

#include <vector>

#include "keratin/core/runtime/plan.h"

namespace keratin {

struct SingleStep {
  Plan plan;                           // region sizes and offsets are those of the whole plan
  std::vector<std::size_t> variables;  // for each of plan.variables its index in the whole plan
};

SingleStep single_step(const Plan& plan, std::size_t step);

}  // namespace keratin
