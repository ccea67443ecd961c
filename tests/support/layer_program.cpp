#include "tests/support/layer_program.h"

#include "keratin/core/compiler/autodiff.h"
#include "keratin/core/compiler/passes.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "tests/support/op_runner.h"

namespace keratin::testing {

namespace {

// Several outputs side by side, row by row.
Value joined(const Values& outputs) {
  if (outputs.size() == 1) return outputs[0];
  Values rows;
  for (const Value& output : outputs) rows.push_back(ops::flatten(output));
  return ops::concatenate(rows);
}

}  // namespace

LayerProgram::LayerProgram(const Layer& layer, const std::vector<Spec>& inputs, Phase phase,
                           const std::shared_ptr<Backend>& device)
    : device_(device),
      step_(std::make_shared<VariableState>("test/step", Shape{}, DType::int64,
                                            [] { return Tensor::scalar<std::int64_t>(0); })),
      inputs_(inputs.size()) {
  TraceContext trace(phase, step_, 1);
  Program program{.name = "layer", .inputs = {}, .outputs = {}, .updates = {}, .gradients = {}};
  for (const Spec& spec : inputs) {
    program.inputs.push_back(trace.input("x" + std::to_string(program.inputs.size()), spec));
  }
  const Values x = program.inputs;
  const Value y = joined(trace.call(layer.pointer(), x, CallOptions{}));
  output_ = y.spec();
  const Value cotangent = trace.input("cotangent", output_);
  program.inputs.push_back(cotangent);

  Value losses = ops::cast(Value(Tensor::scalar(0.0)), DType::float64);
  for (const Value& loss : trace.losses()) losses = losses + ops::cast(loss, DType::float64);
  // An input that is also an output has no memory of its own.
  program.outputs = {y * 1.0, losses};
  if (is_floating(output_.dtype)) {
    const Value objective = ops::sum(y * cotangent);
    const auto place = [&](const Values& gradients, std::vector<int>& places) {
      for (const Value& gradient : gradients) {
        places.push_back(gradient ? static_cast<int>(program.outputs.size()) : -1);
        if (gradient) program.outputs.push_back(gradient);
      }
    };
    place(gradients(objective, x), input_gradients_);
    std::vector<VariablePtr> variables;
    for (const Variable& variable : layer.trainable_variables()) variables.push_back(variable.state());
    place(gradients(objective, variables), weight_gradients_);
  }
  for (const auto& [variable, value] : trace.assigned()) program.updates.push_back(assign(variable, value));
  instance_ =
      std::make_unique<PlanInstance>(compile(program, *device), exact_options(), std::make_shared<Arena>(device));
  instance_->allocate();
}

LayerResult LayerProgram::run(const std::vector<Tensor>& inputs, const Tensor& cotangent) {
  for (std::size_t i = 0; i < inputs_; ++i) instance_->write_input(static_cast<int>(i), inputs[i]);
  instance_->write_input(static_cast<int>(inputs_), cotangent);
  run_and_replay(*instance_, *device_);
  LayerResult result{instance_->read_output(0), instance_->read_output(1).item(), {}, {}};
  const auto read = [&](const std::vector<int>& places) {
    std::vector<Tensor> tensors;
    for (int place : places) tensors.push_back(place < 0 ? Tensor() : instance_->read_output(place));
    return tensors;
  };
  result.input_gradients = read(input_gradients_);
  result.weight_gradients = read(weight_gradients_);
  return result;
}

void LayerProgram::set_step(std::int64_t step) { step_->set_value(Tensor::scalar(step)); }

}  // namespace keratin::testing
