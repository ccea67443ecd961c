// Optimizers (keras.optimizers): compositions of ops that change variables by gradients.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "keratin/core/graph/node.h"
#include "keratin/core/model/variable.h"
#include "keratin/core/training/schedules.h"

namespace keratin {

class TraceContext;

// A number, kept in a variable so that it can be changed between steps, or a schedule.
class LearningRate {
 public:
  LearningRate(double rate);        // NOLINT(google-explicit-constructor)
  LearningRate(Schedule schedule);  // NOLINT(google-explicit-constructor)
  double rate() const { return rate_; }
  // Null: a number.
  const std::shared_ptr<const Schedule>& schedule() const { return schedule_; }

 private:
  double rate_ = 0;
  std::shared_ptr<const Schedule> schedule_;
};

// What all optimizers take, in Keras's order.
struct OptimizerCommon {
  std::optional<double> weight_decay, clipnorm, clipvalue, global_clipnorm;
  std::string name;
};

class OptimizerImpl {
 public:
  OptimizerImpl(std::string class_name, LearningRate learning_rate, OptimizerCommon common);
  virtual ~OptimizerImpl() = default;

  const std::string& name() const { return common_.name; }
  const std::string& class_name() const { return class_name_; }
  // Makes the slots for these variables; variables that already have slots keep them.
  void build(std::span<const Variable> variables);
  // The nodes that change the variables by the gradients (one each; an empty one leaves its variable as it is) and
  // count the step. build() must have seen the variables.
  std::vector<NodePtr> apply(TraceContext& trace, std::span<const Variable> variables, const Values& gradients);

  // In the order of Keras's files: iteration, learning_rate (unless scheduled), then the slots.
  std::vector<Variable> variables() const;
  std::int64_t iterations() const { return static_cast<std::int64_t>(iteration_.value().item()); }
  // The rate of the next step. Setting it throws InvalidArgument when a schedule decides it.
  double learning_rate() const;
  void set_learning_rate(double rate);
  virtual Config config() const;

 protected:
  struct Slots {
    Variable variable;
    std::vector<Variable> slots;  // in the order slot_names() gives
  };
  // Names of the slots of each variable, e.g. {"momentum", "velocity"}.
  virtual std::vector<std::string> slot_names() const = 0;
  // How Keras orders slots in files: variable by variable, or all first slots and then all second slots.
  virtual bool slots_interleaved() const { return true; }
  // The fused update of these variables.
  virtual NodePtr update(const std::vector<const Slots*>& group, const Value& learning_rate, const Value& step,
                         const std::vector<double>& decay, Values gradients) = 0;
  Config common_config() const;
  const LearningRate& rate() const { return rate_; }

 private:
  Values clipped(const Values& gradients) const;

  std::string class_name_;
  LearningRate rate_;
  OptimizerCommon common_;
  Variable iteration_, learning_rate_;
  std::vector<Slots> slots_;
};

// By name ("adam", "sgd", "rmsprop", "adamw") or from optimizers::. Copies share the same state.
class Optimizer {
 public:
  // Not inline: copied wherever users write a model.
  Optimizer(const Optimizer&);
  Optimizer(Optimizer&&) noexcept;
  Optimizer& operator=(const Optimizer&);
  Optimizer& operator=(Optimizer&&) noexcept;
  ~Optimizer();

  // Throws InvalidArgument for an unknown name, with a suggestion.
  Optimizer(const char* name);         // NOLINT(google-explicit-constructor)
  Optimizer(const std::string& name);  // NOLINT(google-explicit-constructor)
  explicit Optimizer(std::shared_ptr<OptimizerImpl> impl) : impl_(std::move(impl)) {}
  OptimizerImpl& impl() const { return *impl_; }
  OptimizerImpl* operator->() const { return impl_.get(); }
  double learning_rate() const { return impl_->learning_rate(); }
  void set_learning_rate(double rate) const { impl_->set_learning_rate(rate); }
  std::int64_t iterations() const { return impl_->iterations(); }

 private:
  std::shared_ptr<OptimizerImpl> impl_;
};

namespace optimizers {

struct SGDOptions {
  LearningRate learning_rate = 0.01;
  double momentum = 0.0;
  bool nesterov = false;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  std::string name = {};
};
struct AdamOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  std::string name = {};
};
struct AdamWOptions {
  LearningRate learning_rate = 0.001;
  double weight_decay = 0.004;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  std::optional<double> clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  std::string name = {};
};
struct RMSpropOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.9, momentum = 0.0, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  std::string name = {};
};

// Formulas: core/ops/update.h. clipnorm clips each gradient by its own norm, global_clipnorm all by their common norm.
// Throws InvalidArgument for options out of range or more than one way of clipping.
Optimizer SGD(SGDOptions options = {});
Optimizer Adam(AdamOptions options = {});
Optimizer AdamW(AdamWOptions options = {});
Optimizer RMSprop(RMSpropOptions options = {});

}  // namespace optimizers

}  // namespace keratin
