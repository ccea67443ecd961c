// All passes in order.
#include "keratin/core/compiler/detail/dump.h"
#include "keratin/core/compiler/passes.h"
#include "keratin/core/tensor/log.h"

namespace keratin {

Plan compile(const Program& program, const Backend& backend) {
  Program current = simplify(open_recurrent(program, backend));
  if (dump_wanted("trace")) log(LogLevel::output, current.to_string());
  current = pull_projections(fuse(current, backend), backend);
  current = group(simplify(expand(current, backend)), backend);
  Plan plan = place(current, {.unshared_bytes = backend.unshared_bytes()});
  if (dump_wanted("plan")) log(LogLevel::output, plan.to_string());
  return plan;
}

}  // namespace keratin
