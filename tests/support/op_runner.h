// Runs rows of the op table on devices.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keratin/core/compiler/program.h"
#include "keratin/core/runtime/plan_instance.h"
#include "tests/support/op_cases.h"

namespace keratin::testing {

// The operands' data; floating ones hold float32 numbers whatever their dtype, so that every precision starts alike.
std::vector<Tensor> make_inputs(const OpCase& op_case, DType floating);

// A row's graph in one precision.
struct CaseProgram {
  Program program;
  std::vector<VariablePtr> written = {};  // in the order of program.updates and their outputs

  // Inputs whose gradient the row checks, as positions in program.inputs.
  std::vector<int> targets = {};
};
CaseProgram make_program(const OpCase& op_case, DType floating);

// The sum over all floating outputs of their product with fixed random weights: one number whose gradient reaches all.
Value weighted_sum(std::span<const Value> outputs, std::uint64_t seed = 1);

// `program` with every op that has a decomposition replaced by it, one level deep.
Program decomposed(const Program& program);

// "reference:0", "cpu:0", "cudasim:0" (the simulated GPU) or "cuda:0"; null where this build or machine has none.
// Throws when KERATIN_DEVICE asks for a device that is not there: then nothing may be skipped.
std::shared_ptr<Backend> device_if_there(const std::string& name);

// What programs are compiled with when their results are compared: true float32, which is not a GPU's default.
CompileOptions exact_options();

// Runs the plan once. On a GPU, where a plan's first run is eager and the second one captured and replayed, it is run
// again (but with KERATIN_CUDA_GRAPH=0): the graph must leave what the eager run has left, bit by bit except for a real
// GPU's libraries, and nothing may have been warned of. The variables that the plan writes have their old values in
// between. Ends with the default log handler.
void run_and_replay(PlanInstance& instance, Backend& device);

// A program on a device, compiled without fusing: the ops stay as the row says.
class CaseRunner {
 public:
  CaseRunner(std::shared_ptr<Backend> device, const OpCase& op_case, CaseProgram program);
  // The outputs, then the written variables; those of the replayed graph on a GPU.
  std::vector<Tensor> run(const std::vector<Tensor>& inputs);

 private:
  std::shared_ptr<Backend> device_;
  std::vector<bool> in_device_memory_;
  CaseProgram program_;
  PlanInstance instance_;
};

// The largest |got - expected| / (1 + |expected|) over the elements; infinite where only one of them is NaN or infinite
// or where the shapes differ.
double difference(const Tensor& got, const Tensor& expected);

}  // namespace keratin::testing
