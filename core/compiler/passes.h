// The compiler's passes over programs of ops.
#pragma once

#include "keratin/core/compiler/program.h"
#include "keratin/core/runtime/backend.h"

namespace keratin {

// Removes what does nothing (reshape to the same shape, x + 0, x * 1, ...), merges equal nodes, drops dead ones.
Program simplify(const Program& program);
// Merges scans that differ in what they collect only, as a scan and the one its gradient makes of it, and drops results
// of scans that nobody uses. Part of simplify.
Program tidy_scans(const Program& program);
// Merges pure nodes with equal op, attributes and inputs; reads of one variable become one.
Program merge_common(const Program& program);
// Forms fused ops that the backend has a kernel for: matmul + bias + relu, conv2d + bias + relu, scale and offset into
// the batch gather.
Program fuse(const Program& program, const Backend& backend);
// Replaces ops the backend has no kernel for by their decomposition, until only supported ops are left. Throws
// BackendError naming the op when there is neither.
Program expand(const Program& program, const Backend& backend);

// Orders the steps and gives every value a place. The program must be expanded.
Plan place(const Program& program);

// All passes. KERATIN_DUMP=trace,plan prints the program and the plan.
Plan compile(const Program& program, const Backend& backend);

}  // namespace keratin
