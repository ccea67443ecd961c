// TrainingStep: training by a function of the user's instead of compile and fit: what it computes, differentiates and
// updates becomes one plan. value_and_gradient: a number computed by ops, and its derivatives.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "keratin/core/model/layer.h"
#include "keratin/core/training/data.h"
#include "keratin/core/training/optimizers.h"

namespace keratin {

struct ValueAndGradient {
  Value value;
  Values gradient;  // one for each variable, of its shape; empty where the value does not depend on it
};

// Calls `function`, which computes a floating scalar by layers, losses and ops, and differentiates it. Within the
// function of a TrainingStep layers behave as in training; elsewhere as in prediction, and the results are computed
// when they are made Tensors. Throws InvalidArgument when no variables are given (a model has none before it is built)
// and when the value is no floating scalar.
//
//   auto [loss, gradient] = value_and_gradient([&] { return mse(y, model(x)); }, model.trainable_variables());
ValueAndGradient value_and_gradient(const std::function<Value()>& function, const std::vector<Variable>& variables);

// The loss plus what fit adds to it by itself (Keras's sum(model.losses)): the penalties of the model's trained weights
// (regularisers), and what layers called since the function given to value_and_gradient began have added (activity
// regularisers, CallContext::add_loss). Throws InvalidArgument outside of such a function.
Value with_extra_losses(const Value& loss, const Layer& model);

// New random numbers in every step, float32: standard normal, and uniform in [0, 1). The same for the same seed
// (set_random_seed) and number of steps. Throw InvalidArgument outside the function of a TrainingStep.
Value random_normal(const Shape& shape);
Value random_uniform(const Shape& shape);
// Likewise: integers in [low, high), int32; classes (n, samples) by logits (n, classes); x in another order. See
// ops::random_integers, ops::random_categorical and ops::random_shuffle.
Value random_integers(const Shape& shape, std::int64_t low, std::int64_t high);
Value random_categorical(const Value& logits, std::int64_t samples);
Value random_shuffle(const Value& x, int axis = 0);

struct TrainingStepOptions {
  std::string name = "training_step";  // in dumps and errors
};

// One step of training as a function of ops. It gets the inputs of the step as values of known shapes and dtypes (as
// they were given: nothing is cast) and returns what the caller wants to see, often the losses. It is run once for each
// new combination of shapes, to find out what it computes; that becomes a plan, with the gradients and the updates of
// all optimizers, and later steps run the plan. So it must not depend on anything that changes but its inputs and
// variables.
//
//   TrainingStep step([&](const Values& batch) -> Values {
//     auto [loss, gradient] = value_and_gradient([&] { return mse(batch[1], model(batch[0])); },
//                                                model.trainable_variables());
//     optimizer.apply(model.trainable_variables(), gradient);
//     return {loss};
//   });
//   for (...) double loss = step({x, y})[0].item();
//
// All that a step computes sees the weights as they were when it began; all updates happen at its end. Layers behave as
// in training unless called with {.training = false}. Copies share the plans.
class TrainingStep {
 public:
  using Function = std::function<Values(const Values& inputs)>;
  explicit TrainingStep(Function function, TrainingStepOptions options = {});

  // Runs the step; the values the function returned, which means waiting for the device unless there are none. Throws
  // InvalidArgument, with the step's name, when the function does, when it returns an input or neither returns nor
  // updates anything, when another thread runs the same step, and within the function of a step; OutOfMemory when the
  // plan does not fit.
  std::vector<Tensor> operator()(const TensorList& inputs = {}) const;

  // Forgets the plans, so that the function is run again: after layers were frozen, for example.
  void retrace() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace keratin
