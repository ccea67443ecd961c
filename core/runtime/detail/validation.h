// KERATIN_VALIDATE=1: plans are run step by step, and every step is computed by the reference backend too.
#pragma once

#include <memory>

#include "keratin/core/runtime/backend.h"

namespace keratin {

// Stands in for a plan's executable.
class PlanValidator {
 public:
  virtual ~PlanValidator() = default;
  // What its steps need at most; the plan's own executable may need less.
  virtual std::int64_t workspace_bytes() const = 0;
  // Runs the plan once, in its own memory and with its effects. Throws BackendError (cause "wrong_result") after the
  // first step whose results are not the reference's, naming the op, its attributes, its layer and the kernel.
  virtual void run(const Regions& regions) = 0;
};

// Whether KERATIN_VALIDATE is 1.
bool validation_wanted();

// Throws DeviceNotFound with the way out when the reference backend cannot be opened. Null for the reference itself.
// Defined in core/compiler: the reference has no fused kernels and needs their decompositions.
std::unique_ptr<PlanValidator> make_plan_validator(const Plan& plan, const CompileOptions& options,
                                                   const std::shared_ptr<Backend>& backend);

}  // namespace keratin
