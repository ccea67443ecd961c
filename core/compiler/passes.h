// The compiler's passes over programs of ops.
#pragma once

#include "keratin/core/compiler/program.h"
#include "keratin/core/runtime/backend.h"

namespace keratin {

// Replaces recurrent layers by what they are composed of where the backend has no kernel for them, before all other
// passes, so that these see all there is to compute.
Program open_recurrent(const Program& program, const Backend& backend);
// Removes what does nothing (reshape to the same shape, x + 0, x * 1, ...), merges equal nodes, drops dead ones.
Program simplify(const Program& program);
// Merges scans that differ in what they collect only, as a scan and the one its gradient makes of it, and drops results
// of scans that nobody uses. Part of simplify.
Program tidy_scans(const Program& program);
// Merges pure nodes with equal op, attributes and inputs; reads of one variable become one.
Program merge_common(const Program& program);
// Forms fused ops that the backend has a kernel for: matmul + bias + relu, conv2d + bias + relu, conv2d + batch
// normalisation with moving averages + sum + relu, scale and offset into the batch gather.
Program fuse(const Program& program, const Backend& backend);
// Moves products of whole sequences into the scans that read them, where the backend is a CPU: a step's piece of them
// stays in the cache then.
Program pull_projections(const Program& program, const Backend& backend);
// Replaces ops the backend has no kernel for by their decomposition, until only supported ops are left. Throws
// BackendError naming the op when there is neither.
Program expand(const Program& program, const Backend& backend);

// Joins element-wise ops of one shape into ops that compute them together, a piece at a time, where the backend has
// them. The program must be expanded.
Program group(const Program& program, const Backend& backend);

struct PlaceOptions {
  // Whether steps compute outputs where they belong, instead of in scratch memory from where they are copied: for plans
  // whose outputs nobody reads while they run. Outputs that are one value share a slot then.
  bool direct_outputs = false;
  // Values of at most so many bytes share their place with no other value.
  std::int64_t unshared_bytes = 0;
};

// Orders the steps and gives every value a place. The program must be expanded.
Plan place(const Program& program, PlaceOptions options = {});

// The scan with a plan of its body, when `backend` has a kernel that runs such a plan step by step; otherwise empty,
// and the scan must be decomposed. Part of expand.
Values make_loop(const Node& scan, const Values& inputs, const Backend& backend);

// All passes. KERATIN_DUMP=trace,plan prints the program and the plan.
Plan compile(const Program& program, const Backend& backend);

}  // namespace keratin
