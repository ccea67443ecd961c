// Loops and choices of a graph. A loop is a scan: its body is called once, to learn what a turn computes, and sizes
// must be known, as they are in a layer's `call`.
#pragma once

#include <functional>

#include "keratin/core/ops/scan.h"

namespace keratin::ops {

using LoopFunction = std::function<Values(const Values&)>;

// f(row) for each row of the sequences; the results, each as a sequence.
Values map(const LoopFunction& f, Values sequences);
// state = body(i, state) for i = lower, ..., upper - 1; `body` gets i, int32, and the state behind it.
Values fori_loop(std::int64_t lower, std::int64_t upper, const LoopFunction& body, Values state);
// state = body(state) while condition(state), a bool scalar, holds, and at most `maximum_iterations` times: that many
// turns are computed, and those behind the end are left out of the result. Gradients flow through the others.
Values while_loop(const std::function<Value(const Values&)>& condition, const LoopFunction& body, Values state,
                  std::int64_t maximum_iterations);
// yes() where `condition`, a bool scalar, is true, else no(). Both are computed. Throws InvalidArgument when they
// differ in how many values they return.
Values cond(Value condition, const std::function<Values()>& yes, const std::function<Values()>& no);

}  // namespace keratin::ops
