// scan: a computation over time, the loop behind recurrent layers.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "keratin/core/graph/node.h"

namespace keratin {

struct Plan;

// What is computed in each step: a small graph of pure ops.
struct ScanBody {
  Values inputs = {};   // kScanInput values: a step of each sequence, the carries, the invariants
  Values outputs = {};  // the carries of the next step, then the step's outputs
};

struct ScanAttrs {
  std::shared_ptr<const ScanBody> body = {};
  int sequences = 0;        // how many of the inputs are sequences,
  int carries = 0;          // and how many carries; the rest are invariants
  std::int64_t length = 1;  // the number of steps, at least 1
  bool reverse = false;     // from the last element of the sequences to the first
  // The body compiled for a device that runs it as a loop: no constants, and inputs and outputs as the body's. Made by
  // the compiler, which then changes the body no more.
  std::shared_ptr<const Plan> plan = {};
};

// Inputs: sequences (length, a step's shape...), carries before the first step, invariants (the same in every step).
// Results: carries after the last step, then for each output of a step a sequence (length, its shape...). With
// `reverse` too, element t of a result belongs to element t of the sequences.
// Defined by its decomposition, which repeats the body `length` times; a backend may run a plan of the body in a loop
// instead. Its gradient is another scan, in the opposite direction.
extern const OpDef kScan;

// Stands for a value from outside in a scan's body.
struct ScanInputAttrs {
  std::string name = {};
  Spec spec = {};
};
extern const OpDef kScanInput;

namespace ops {

// What a step computes: the next carries, in order, and outputs that are collected.
struct ScanStep {
  Values carries = {}, outputs = {};
};
using ScanFunction = std::function<ScanStep(const Values& sequences, const Values& carries)>;

struct ScanOptions {
  bool reverse = false;
  // bool (length, n), for carries and outputs (n, ...): where it is false, the carries stay what they are, and an
  // output is what it was in the step before, zeros at first; an output that is also a carry is the carry that stays.
  Value mask = {};
  bool zero_masked_outputs = false;  // zeros for masked outputs
};

struct ScanResult {
  Values carries = {};  // after the last step
  Values outputs = {};  // sequences
};

// Calls `step` once, with values that stand for one step, and runs what it composes over the first axis of
// `sequences`. Whatever else `step` uses (weights) is taken from outside; what does not depend on the step is computed
// once, before. Shapes must be known, as they are inside of layers.
// Throws InvalidArgument when there is no sequence, lengths differ, a carry changes its shape or dtype, and when the
// step draws random numbers or writes variables.
ScanResult scan(const ScanFunction& step, Values sequences, Values carries, const ScanOptions& options = {});

}  // namespace ops

// The body as one line, its values numbered: equal bodies have equal texts.
std::string body_text(const ScanBody& body);

// A scan of `body` on these inputs; for the compiler, which makes scans out of others.
Values apply_scan(ScanAttrs attrs, Values inputs);
// The graph from `inputs` to `outputs` as a body: what depends on none of the inputs, numbers apart, becomes an
// invariant, which is added to `inputs` and `invariants`. Throws InvalidArgument as ops::scan.
std::shared_ptr<const ScanBody> make_scan_body(Values inputs, const Values& outputs, Values& invariants);

}  // namespace keratin
