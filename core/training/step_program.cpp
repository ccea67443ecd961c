#include "keratin/core/training/detail/step_program.h"

#include "keratin/core/compiler/autodiff.h"
#include "keratin/core/model/naming.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/gather.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/align.h"
#include "keratin/core/training/detail/model_impl.h"

namespace keratin {

DType target_dtype(DType given) {
  if (given == DType::float64) return DType::float32;
  return is_floating(given) ? given : DType::int32;
}

namespace {

Value scalar(double x) { return constant(Tensor::scalar(static_cast<float>(x))); }

class StepBuilder {
 public:
  StepBuilder(ModelImpl& model, Compiled* compiled, const StepInputs& inputs, TraceContext& trace, Program& program)
      : model_(model), compiled_(compiled), inputs_(inputs), trace_(trace), program_(program) {}

  void samples(const std::vector<Dataset::Mapping>& maps) {
    std::size_t array = 0;
    // Data that a map changes keeps its own dtype; otherwise it goes straight to what the model or the loss wants.
    for (std::size_t i = 0; i < inputs_.x.size(); ++i) {
      const DType to = maps.empty() ? model_.inputs()[i].dtype() : inputs_.x[i].dtype;
      x_.push_back(sample(inputs_.x[i], to, array++, "x"));
    }
    for (const Spec& spec : inputs_.y) {
      y_.push_back(sample(spec, maps.empty() ? target_dtype(spec.dtype) : spec.dtype, array++, "y"));
    }
    if (inputs_.weighted) weight_ = sample({{}, DType::float32}, DType::float32, array++, "sample_weight");
    for (const Dataset::Mapping& map : maps) std::tie(x_, y_) = map.function(x_, y_);
    if (x_.size() != model_.inputs().size()) {
      throw InvalidArgument("the data has " + std::to_string(x_.size()) + " x, the model has " +
                            std::to_string(model_.inputs().size()) + " inputs");
    }
    for (std::size_t i = 0; i < x_.size(); ++i) x_[i] = fit_to_input(x_[i], model_.inputs()[i], i);
    if (inputs_.cursor) {
      program_.updates.push_back(assign(inputs_.cursor, ops::advance(read(inputs_.cursor), inputs_.batch)));
    }
  }

  Values outputs() {
    const auto self = std::static_pointer_cast<LayerImpl>(model_.shared_from_this());
    return trace_.call(self, x_, CallOptions{});
  }

  // The total loss; metric sums are assigned on the way.
  Value loss(const Values& predictions) {
    if (y_.size() != predictions.size()) {
      throw InvalidArgument("the data has " + std::to_string(y_.size()) + " y, the model has " +
                            std::to_string(predictions.size()) + " outputs");
    }
    const Value rows = scalar(static_cast<double>(inputs_.batch));
    Value total;
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      const Value part = compiled_->losses[i](y_[i], predictions[i], weight_, trace_.mask_of(predictions[i]));
      if (!compiled_->output_losses.empty()) compiled_->output_losses[i]->update_value(trace_, part, rows);
      const double factor = compiled_->loss_weights[i];
      const Value weighted = factor == 1 ? part : part * factor;
      total = total ? total + weighted : weighted;
    }
    for (const Variable& variable : trainable_variables(model_)) {
      if (variable.regularizer()) total = total + variable.regularizer()(variable);
    }
    for (const Value& extra : trace_.losses()) total = total + extra;
    compiled_->loss->update_value(trace_, total, rows);
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      const Value mask = trace_.mask_of(predictions[i]);
      const auto update = [&](const Metric& metric, const Value& weight) {
        metric.impl().update(trace_, y_[i], predictions[i],
                             metric.impl().uses_mask() ? masked_weight(weight, mask) : weight);
      };
      for (const Metric& metric : compiled_->metrics[i]) update(metric, {});
      for (const Metric& metric : compiled_->weighted_metrics[i]) update(metric, weight_);
    }
    return total;
  }

  void train(const Value& loss) {
    const std::vector<Variable> variables = trainable_variables(model_);
    std::vector<VariablePtr> states;
    for (const Variable& variable : variables) states.push_back(variable.state());
    compiled_->optimizer->build(variables);
    const auto scale = compiled_->optimizer->loss_scale_factor();
    const Values dw = gradients(scale ? loss * *scale : loss, states);
    for (const Value& gradient : dw) {
      if (gradient) program_.gradients.push_back(gradient);
    }
    for (const NodePtr& update : compiled_->optimizer->apply(trace_, variables, dw)) program_.updates.push_back(update);
  }

  // Output: one flag for each layer call, 1 where everything it produced is finite.
  std::vector<std::string> check_layers() {
    std::vector<std::string> names;
    Values flags;
    for (const auto& [path, value] : trace_.layer_outputs()) {
      if (!is_floating(value.dtype())) continue;
      names.push_back(path);
      flags.push_back(ops::reshape(ops::min(ops::cast(ops::isfinite(value), DType::float32)), {1}));
    }
    if (!flags.empty()) program_.outputs.push_back(ops::concatenate(flags, 0));
    return names;
  }

 private:
  Value sample(const Spec& row, DType to, std::size_t array, const std::string& name) {
    if (inputs_.cursor) {
      return ops::batch_gather(read(inputs_.bases[array]), read(inputs_.cursor),
                               {.batch = inputs_.batch, .row_shape = row.shape, .from = row.dtype, .to = to});
    }
    const Value fed = trace_.input(name + std::to_string(array), {Shape{inputs_.batch}.concat(row.shape), row.dtype});
    program_.inputs.push_back(fed);
    return ops::cast(fed, to);
  }

  // Keras adds or drops a last axis of size 1 where that makes the shapes fit.
  Value fit_to_input(Value x, const Value& input, std::size_t index) const {
    const Shape& expected = input.shape();
    if (x.rank() == expected.rank() - 1 && expected[-1] == 1) x = ops::expand_dims(x, -1);
    if (x.rank() == expected.rank() + 1 && x.shape()[-1] == 1) x = ops::squeeze(x, -1);
    bool fits = x.rank() == expected.rank();
    for (int axis = 0; fits && axis < expected.rank(); ++axis) {
      fits = expected[axis] == kUnknown || expected[axis] == x.shape()[axis];
    }
    if (!fits) {
      throw InvalidArgument("x[" + std::to_string(index) + "] has shape " + x.shape().to_string() +
                            " in a batch, the model's input '" + input.node()->attrs_as<InputAttrs>().name +
                            "' takes " + expected.to_string());
    }
    return ops::cast(x, input.dtype());
  }

  ModelImpl& model_;
  Compiled* compiled_;
  const StepInputs& inputs_;
  TraceContext& trace_;
  Program& program_;
  Values x_, y_;
  Value weight_;
};

}  // namespace

StepProgram build_step(ModelImpl& model, Compiled* compiled, Phase phase, const StepInputs& inputs,
                       const std::vector<Dataset::Mapping>& maps, const VariablePtr& random_step, bool check) {
  StepProgram step;
  Program& program = step.program;
  program.name = phase == Phase::train ? "train" : phase == Phase::evaluate ? "evaluate" : "predict";
  TraceContext trace(phase, random_step, random_seed());
  const ActiveTrace active(trace);
  StepBuilder builder(model, compiled, inputs, trace, program);
  builder.samples(maps);
  const Values outputs = builder.outputs();
  if (phase == Phase::predict) {
    program.outputs = outputs;
  } else {
    const Value loss = builder.loss(outputs);
    if (check) step.checked_layers = builder.check_layers();
    if (phase == Phase::train) builder.train(loss);
  }
  trace.dump_layers(program.name);
  for (const auto& [variable, value] : trace.assigned()) program.updates.push_back(assign(variable, value));
  if (trace.uses_random() && phase == Phase::train) {
    program.updates.push_back(assign(random_step, read(random_step) + constant(Tensor::scalar<std::int64_t>(1))));
  }
  return step;
}

}  // namespace keratin
