#include "keratin/core/training/training_step.h"

#include <algorithm>
#include <list>
#include <mutex>

#include "keratin/core/compiler/autodiff.h"
#include "keratin/core/compiler/passes.h"
#include "keratin/core/compiler/trace.h"
#include "keratin/core/model/naming.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/random.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/runtime/plan_instance.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

// Combinations of shapes whose plans are kept.
constexpr std::size_t kKeptPlans = 16;

// What the function of a step has asked for so far.
struct Recording {
  TraceContext& trace;
  Program& program;
  std::vector<const OptimizerImpl*> applied;
  std::vector<Variable> updated;
};
thread_local Recording* recording = nullptr;
// How many losses layers had added when the function of value_and_gradient began; -1 outside.
thread_local std::ptrdiff_t losses_before = -1;

// Sets a variable while it lives.
template <class T>
class Scoped {
 public:
  Scoped(T& variable, T value) : variable_(variable), previous_(variable) { variable = value; }
  ~Scoped() { variable_ = previous_; }
  Scoped(const Scoped&) = delete;
  Scoped& operator=(const Scoped&) = delete;

 private:
  T& variable_;
  T previous_;
};

TraceContext& step_trace(const char* what) {
  if (recording) return recording->trace;
  throw InvalidArgument(std::string(what) + ": call it within the function of a TrainingStep");
}

// Outside a step: random layers draw the same numbers each time.
VariablePtr still_step() {
  static const VariablePtr variable = std::make_shared<VariableState>("value_and_gradient/step", Shape{}, DType::int64,
                                                                      [] { return Tensor::scalar<std::int64_t>(0); });
  return variable;
}

ValueAndGradient differentiate(TraceContext& trace, const std::function<Value()>& function,
                               const std::vector<Variable>& variables) {
  if (variables.empty()) {
    throw InvalidArgument(
        "value_and_gradient: no variables were given; a model has none before it is built: give it an Input, or call "
        "it once");
  }
  const ActiveTrace active(trace);
  const Scoped<std::ptrdiff_t> since(losses_before, static_cast<std::ptrdiff_t>(trace.losses().size()));
  const Value value = trace.lower(function());
  if (value.rank() != 0 || !is_floating(value.dtype())) {
    throw InvalidArgument("value_and_gradient: the function must return a floating scalar, got " +
                          std::string(name_of(value.dtype())) + " of shape " + value.shape().to_string());
  }
  std::vector<VariablePtr> states;
  for (const Variable& variable : variables) states.push_back(variable.state());
  return {value, gradients(value, states)};
}

}  // namespace

ValueAndGradient value_and_gradient(const std::function<Value()>& function, const std::vector<Variable>& variables) {
  if (recording) return differentiate(recording->trace, function, variables);
  TraceContext trace(Phase::predict, still_step(), random_seed());
  return differentiate(trace, function, variables);
}

Value with_extra_losses(const Value& loss, const Layer& model) {
  TraceContext* trace = TraceContext::current();
  if (!trace || losses_before < 0) {
    throw InvalidArgument("with_extra_losses: call it within the function given to value_and_gradient");
  }
  Value total = trace->lower(loss);  // what layers add is known when they have been expanded
  for (const Variable& variable : trainable_variables(model.impl())) {
    if (variable.regularizer()) total = total + variable.regularizer()(variable);
  }
  for (std::size_t i = static_cast<std::size_t>(losses_before); i < trace->losses().size(); ++i) {
    total = total + trace->losses()[i];
  }
  return total;
}

Value random_normal(const Shape& shape) {
  TraceContext& trace = step_trace("random_normal");
  return ops::random_normal(trace.random_step(), shape, trace.random_stream());
}
Value random_uniform(const Shape& shape) {
  TraceContext& trace = step_trace("random_uniform");
  return ops::random_uniform(trace.random_step(), shape, trace.random_stream());
}

Value random_integers(const Shape& shape, std::int64_t low, std::int64_t high) {
  TraceContext& trace = step_trace("random_integers");
  return ops::random_integers(trace.random_step(), shape, low, high, trace.random_stream());
}
Value random_categorical(const Value& logits, std::int64_t samples) {
  TraceContext& trace = step_trace("random_categorical");
  return ops::random_categorical(trace.random_step(), logits, samples, trace.random_stream());
}
Value random_shuffle(const Value& x, int axis) {
  TraceContext& trace = step_trace("random_shuffle");
  return ops::random_shuffle(trace.random_step(), x, axis, trace.random_stream());
}

void Optimizer::apply(const std::vector<Variable>& variables, const Values& gradients) const {
  const std::string where = "optimizer " + impl_->name() + ": apply: ";
  if (!recording) throw InvalidArgument(where + "call it within the function of a TrainingStep");
  if (variables.size() != gradients.size()) {
    throw InvalidArgument(where + "got " + std::to_string(variables.size()) + " variables and " +
                          std::to_string(gradients.size()) + " gradients; they must agree");
  }
  Values lowered;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    lowered.push_back(gradients[i] ? recording->trace.lower(gradients[i]) : Value());
    if (gradients[i] && lowered[i].shape() != variables[i].shape()) {
      throw InvalidArgument(where + "the gradient of " + variables[i].path() + " has shape " +
                            lowered[i].shape().to_string() + ", the variable " + variables[i].shape().to_string());
    }
  }
  if (std::none_of(lowered.begin(), lowered.end(), [](const Value& gradient) { return static_cast<bool>(gradient); })) {
    throw InvalidArgument(where + "there is no gradient for any variable; the value does not depend on them");
  }
  if (std::find(recording->applied.begin(), recording->applied.end(), impl_.get()) != recording->applied.end()) {
    throw InvalidArgument(where + "an optimizer updates once in a step; give it all variables together");
  }
  for (const Variable& variable : variables) {
    if (std::find(recording->updated.begin(), recording->updated.end(), variable) != recording->updated.end()) {
      throw InvalidArgument(where + variable.path() + " is already updated in this step");
    }
    recording->updated.push_back(variable);
  }
  recording->applied.push_back(impl_.get());
  impl_->build(variables);
  for (const Value& gradient : lowered) {
    if (gradient) recording->program.gradients.push_back(gradient);
  }
  for (const NodePtr& update : impl_->apply(recording->trace, variables, lowered)) {
    recording->program.updates.push_back(update);
  }
}

Value Optimizer::scale_loss(const Value& loss) const {
  const auto factor = impl_->loss_scale_factor();
  return factor ? loss * *factor : loss;
}

class TrainingStep::Impl {
 public:
  Impl(Function function, TrainingStepOptions options)
      : function_(std::move(function)),
        options_(std::move(options)),
        random_step_(std::make_shared<VariableState>(options_.name + "/random_step", Shape{}, DType::int64,
                                                     [] { return Tensor::scalar<std::int64_t>(0); })) {
    if (!function_) throw InvalidArgument(options_.name + " (TrainingStep): the function is empty");
  }

  std::vector<Tensor> run(const TensorList& inputs) {
    if (recording) throw InvalidArgument("a step cannot be run within the function of a step");
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) throw InvalidArgument("the step is run by another thread; it takes one at a time");
    PlanInstance& instance = plan(inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) instance.write_input(static_cast<int>(i), inputs[i]);
    instance.run();
    std::vector<Tensor> results;
    for (std::size_t i = 0; i < instance.plan().outputs.size(); ++i) {
      results.push_back(instance.read_output(static_cast<int>(i)));
    }
    return results;
  }

  void retrace() {
    const std::lock_guard lock(mutex_);
    plans_.clear();
  }

  const std::string& name() const { return options_.name; }

 private:
  struct Kept {
    std::vector<Spec> inputs;
    CompileOptions options;
    std::unique_ptr<PlanInstance> instance;
  };

  PlanInstance& plan(const TensorList& inputs) {
    const std::shared_ptr<Backend> backend = current_device();
    if (!arena_ || arena_->backend() != backend) {
      plans_.clear();
      arena_ = std::make_shared<Arena>(backend);
    }
    const CompileOptions options = compile_options();
    const auto found = std::find_if(plans_.begin(), plans_.end(), [&](const Kept& kept) {
      return kept.options.precision == options.precision && kept.options.deterministic == options.deterministic &&
             std::equal(kept.inputs.begin(), kept.inputs.end(), inputs.begin(), inputs.end(),
                        [](const Spec& spec, const Tensor& tensor) {
                          return spec.shape == tensor.shape() && spec.dtype == tensor.dtype();
                        });
    });
    if (found != plans_.end()) {
      plans_.splice(plans_.begin(), plans_, found);
      return *plans_.front().instance;
    }
    Kept made{.inputs = {}, .options = options, .instance = {}};
    for (const Tensor& input : inputs) {
      if (!input.defined()) throw InvalidArgument("an input is an empty Tensor");
      made.inputs.push_back({input.shape(), input.dtype()});
    }
    made.instance = std::make_unique<PlanInstance>(compile(record(made.inputs), *backend), options, arena_);
    made.instance->allocate();
    plans_.push_front(std::move(made));
    if (plans_.size() > kKeptPlans) plans_.pop_back();
    return *plans_.front().instance;
  }

  Program record(const std::vector<Spec>& inputs) const {
    Program program{.name = options_.name, .inputs = {}, .outputs = {}, .updates = {}, .gradients = {}};
    TraceContext trace(Phase::train, random_step_, random_seed());
    const ActiveTrace active(trace);
    Recording made{trace, program, {}, {}};
    const Scoped<Recording*> scope(recording, &made);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      program.inputs.push_back(trace.input("input" + std::to_string(i), inputs[i]));
    }
    program.outputs = trace.lower(function_(program.inputs));
    for (const Value& output : program.outputs) {
      if (output.node()->is(kInput)) throw InvalidArgument("the function returns one of its inputs");
    }
    trace.dump_layers(program.name);
    for (const auto& [variable, value] : trace.assigned()) program.updates.push_back(assign(variable, value));
    if (program.outputs.empty() && program.updates.empty()) {
      throw InvalidArgument("the function neither returns nor updates anything");
    }
    if (trace.uses_random()) {
      program.updates.push_back(assign(random_step_, read(random_step_) + constant(Tensor::scalar<std::int64_t>(1))));
    }
    return program;
  }

  Function function_;
  TrainingStepOptions options_;
  VariablePtr random_step_;
  std::mutex mutex_;
  std::shared_ptr<Arena> arena_;
  std::list<Kept> plans_;  // most recently used first
};

TrainingStep::TrainingStep(Function function, TrainingStepOptions options)
    : impl_(std::make_shared<Impl>(std::move(function), std::move(options))) {}

std::vector<Tensor> TrainingStep::operator()(const TensorList& inputs) const {
  try {
    return impl_->run(inputs);
  } catch (const Error& error) {
    error.rethrow_in(impl_->name() + " (TrainingStep)");
  }
}

void TrainingStep::retrace() const { impl_->retrace(); }

}  // namespace keratin
