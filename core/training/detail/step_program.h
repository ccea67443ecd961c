// Builds the program of one step: model, loss, gradients, update and metric sums, for concrete shapes.
#pragma once

#include <optional>
#include <vector>

#include "keratin/core/compiler/program.h"
#include "keratin/core/compiler/trace.h"
#include "keratin/core/training/data.h"
#include "keratin/core/training/losses.h"
#include "keratin/core/training/metrics.h"
#include "keratin/core/training/optimizers.h"

namespace keratin {

class ModelImpl;

// What compile() was given, with metrics of the model's own.
struct Compiled {
  Optimizer optimizer;
  std::vector<Loss> losses;  // one for each output
  std::vector<double> loss_weights;
  std::vector<std::vector<Metric>> metrics, weighted_metrics;        // one list for each output
  std::vector<std::shared_ptr<metrics::MeanTracker>> output_losses;  // with several outputs
  std::shared_ptr<metrics::MeanTracker> loss = std::make_shared<metrics::MeanTracker>("loss");
};

// Where a step's samples come from.
struct StepInputs {
  std::int64_t batch = 0;
  std::vector<Spec> x, y;  // as given; the first axis is left out
  bool weighted = false;
  // Resident data: the variables of batch_gather. Empty: the samples are fed.
  VariablePtr cursor;
  std::vector<VariablePtr> bases;  // x..., y..., weights
};

struct StepProgram {
  Program program;
  std::vector<std::string> checked_layers;  // with numeric checks: output 0 holds a flag for each
};

// `compiled` may be null for Phase::predict. The model's weights and the optimizer's slots are made when they are
// missing.
StepProgram build_step(ModelImpl& model, Compiled* compiled, Phase phase, const StepInputs& inputs,
                       const std::vector<Dataset::Mapping>& maps, const VariablePtr& random_step, bool check_numerics);

// The dtype targets have on the device: floats are float32, integers int32.
DType target_dtype(DType given);

}  // namespace keratin
