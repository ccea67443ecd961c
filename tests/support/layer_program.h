// LayerProgram: a layer traced for one phase, compiled and run on a device, with the gradients of its output.
#pragma once

#include <memory>
#include <vector>

#include "keratin/core/compiler/trace.h"
#include "keratin/core/model/layer.h"
#include "keratin/core/runtime/plan_instance.h"

namespace keratin::testing {

struct LayerResult {
  Tensor output;      // of several outputs: side by side, row by row
  double losses = 0;  // what the layer added to the loss
  // Of sum(output * cotangent); undefined where the output does not depend on it.
  std::vector<Tensor> input_gradients, weight_gradients;
};

class LayerProgram {
 public:
  LayerProgram(const Layer& layer, const std::vector<Spec>& inputs, Phase phase,
               const std::shared_ptr<Backend>& device);

  const Spec& output() const { return output_; }
  // Weights are those of the layer at that moment; what the layer assigns is written back. On a GPU it is computed
  // twice, the second time by a graph (see run_and_replay).
  LayerResult run(const std::vector<Tensor>& inputs, const Tensor& cotangent);
  // The number random ops count by; 0 at first.
  void set_step(std::int64_t step);

 private:
  std::shared_ptr<Backend> device_;
  VariablePtr step_;
  Spec output_;
  std::size_t inputs_ = 0;
  // For each gradient its place among the program's outputs, or -1.
  std::vector<int> input_gradients_, weight_gradients_;
  std::unique_ptr<PlanInstance> instance_;
};

}  // namespace keratin::testing
