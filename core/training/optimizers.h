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
  // Decoupled: w -= w * weight_decay * learning_rate before the step.
  std::optional<double> weight_decay = {};
  // At most one of these: each gradient by its own norm, each element, all by their common norm.
  std::optional<double> clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  // Keeps a moving average of the weights: average = m * average + (1 - m) * w after each step, m = ema_momentum, and
  // the weights themselves after the first one. The average becomes the weights every `ema_overwrite_frequency` steps,
  // and when fit ends.
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  // The loss is multiplied by this before gradients are taken, and they are divided by it.
  std::optional<double> loss_scale_factor = {};
  // Gradients of this many batches are averaged, and the weights change after the last of them. At least 2.
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
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
  // count the step. build() must have seen the variables. With a loss_scale_factor the gradients are of the loss times
  // that factor.
  std::vector<NodePtr> apply(TraceContext& trace, std::span<const Variable> variables, const Values& gradients);

  // Variables that weight decay leaves alone: these, and those whose name contains one of `names` ("bias"). Throws
  // InvalidArgument when training has begun.
  void exclude_from_weight_decay(std::vector<Variable> variables, std::vector<std::string> names = {});
  // With use_ema: the moving averages become the weights, as when fit ends.
  void finalize_variable_values();
  // With use_ema: the average of a variable that build() has seen, else an empty Variable.
  Variable average_of(const Variable& variable) const;
  bool use_ema() const { return common_.use_ema; }
  std::optional<double> loss_scale_factor() const { return common_.loss_scale_factor; }

  // In the order of Keras's files: iteration, learning_rate (unless scheduled), then the slots.
  std::vector<Variable> variables() const;
  // Updates done; with gradient accumulation fewer than there were batches.
  std::int64_t iterations() const;
  // The rate of the next step. Setting it throws InvalidArgument when a schedule decides it.
  double learning_rate() const;
  void set_learning_rate(double rate);
  virtual Config config() const;

 protected:
  // A variable of the optimizer's own that goes with one of the model's.
  struct SlotSpec {
    std::string name;        // "momentum"
    double initial = 0;      // all elements begin with it
    bool has_shape = false;  // other than the variable's: these
    Shape shape = {};
    DType dtype = DType::float32;
    int block = 0;  // files hold all slots of block 0, variable by variable, then those of block 1, ...
  };
  struct Slots {
    Variable variable;
    std::vector<Variable> slots;  // in the order slot_specs() gives
  };
  // What the update of one variable is computed from. Values are those of the step's start.
  struct Step {
    const Slots& own;
    Value variable;  // after weight decay
    Value gradient;
    Values slots;
    Value learning_rate, number;  // float32 scalars; `number` is 1 in the first step
    double decay = 0;             // already in `variable`
  };
  struct Updated {
    Value variable;
    Values slots;  // one for each
  };

  virtual std::vector<SlotSpec> slot_specs(const Variable& variable) const = 0;
  // The new values of one variable and its slots. Not needed when `fused` covers everything: what it means is its
  // decomposition.
  virtual Updated update(const Step& step) const;
  // How much of a variable weight decay takes away; 0: nothing.
  virtual double weight_decay_of(const Variable&) const { return common_.weight_decay.value_or(0); }
  // One op that updates many variables; null: there is none for these options.
  virtual NodePtr fused(const std::vector<const Slots*>& group, const Value& learning_rate, const Value& number,
                        const std::vector<double>& decay, Values gradients) const;
  // Variables of the optimizer that belong to no variable of the model, last in files, and their new values.
  virtual std::vector<Variable> shared_slots() const { return {}; }
  virtual Values update_shared(const Value& number) const;

  Config common_config() const;
  const LearningRate& rate() const { return rate_; }

 private:
  struct Entry {
    Slots own;
    Variable average, accumulator;  // with use_ema, with gradient_accumulation_steps
    std::vector<int> blocks;        // of own.slots
  };
  const Entry* entry_of(const Variable& variable) const;
  Values clipped(const Values& gradients) const;
  double decay_of(const Variable& variable) const;

  std::string class_name_;
  LearningRate rate_;
  OptimizerCommon common_;
  Variable iteration_, learning_rate_;
  std::vector<Entry> entries_;
  std::vector<Variable> undecayed_;
  std::vector<std::string> undecayed_names_;
};

// By name ("adam", "sgd", "rmsprop", ...; case does not matter) or from optimizers::. Copies share the same state.
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
  explicit Optimizer(std::shared_ptr<OptimizerImpl> impl);
  OptimizerImpl& impl() const { return *impl_; }
  OptimizerImpl* operator->() const { return impl_.get(); }
  double learning_rate() const { return impl_->learning_rate(); }
  void set_learning_rate(double rate) const { impl_->set_learning_rate(rate); }
  std::int64_t iterations() const { return impl_->iterations(); }

  // For training loops of your own, within the function of a TrainingStep (core/training/training_step.h): changes the
  // variables by their gradients, which may be empty, at the end of the step. Once in a step, and once for a variable;
  // throws InvalidArgument otherwise, outside of a step, when the numbers or shapes differ, and when no variable has a
  // gradient.
  void apply(const std::vector<Variable>& variables, const Values& gradients) const;
  // The loss times loss_scale_factor, if there is one: the gradients that apply() takes are those of this.
  Value scale_loss(const Value& loss) const;

 private:
  std::shared_ptr<OptimizerImpl> impl_;
};

namespace optimizers {

// The options that all have are those of OptimizerCommon.

struct SGDOptions {
  LearningRate learning_rate = 0.01;
  double momentum = 0.0;
  bool nesterov = false;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};
struct RMSpropOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.9, momentum = 0.0, epsilon = 1e-7;
  bool centered = false;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};
struct AdamOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};
struct AdamWOptions {
  LearningRate learning_rate = 0.001;
  double weight_decay = 0.004;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  std::optional<double> clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};
struct NadamOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};
struct AdamaxOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};
struct AdagradOptions {
  LearningRate learning_rate = 0.001;
  double initial_accumulator_value = 0.1, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};
struct AdadeltaOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.95, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};
struct AdafactorOptions {
  LearningRate learning_rate = 0.001;
  double beta_2_decay = -0.8, epsilon_1 = 1e-30, epsilon_2 = 0.001, clip_threshold = 1.0;
  bool relative_step = true;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};
struct FtrlOptions {
  LearningRate learning_rate = 0.001;
  double learning_rate_power = -0.5, initial_accumulator_value = 0.1;
  double l1_regularization_strength = 0.0, l2_regularization_strength = 0.0;
  double l2_shrinkage_regularization_strength = 0.0, beta = 0.0;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};
struct LionOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.99;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};
struct LambOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};
struct MuonOptions {
  LearningRate learning_rate = 0.001;
  double adam_beta_1 = 0.9, adam_beta_2 = 0.999, adam_weight_decay = 0.004;
  double epsilon = 1e-7;
  double weight_decay = 0.004;
  std::optional<double> clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
  std::vector<std::string> exclude_layers = {};  // parts of paths; "^" before and "$" behind: at an end
  bool exclude_embeddings = true;
  double muon_a = 3.4445, muon_b = -4.775, muon_c = 2.0315;
  double adam_lr_ratio = 1.0, momentum = 0.95;
  int ns_steps = 5;
  bool nesterov = true;
  std::optional<double> rms_rate = 0.2;  // empty: no factor, of the size neither
};

// In the formulas, w is the variable, g its gradient, lr the learning rate and t the number of the step, from 1.
// Throws InvalidArgument for options out of range or more than one way of clipping. SGD, RMSprop and Adam are one fused
// op for all variables (core/ops/update.h) unless an option or a constraint needs the composition.

// w -= lr g. With momentum: m = momentum m - lr g, w += m; nesterov: w += momentum m - lr g.
Optimizer SGD(SGDOptions options = {});
// v = rho v + (1 - rho) g^2, w -= lr g / sqrt(v + epsilon). centered: v minus the square of the gradients' moving mean.
// With momentum: m = momentum m + that step, w -= m.
Optimizer RMSprop(RMSpropOptions options = {});
// m += (1 - beta_1)(g - m), v += (1 - beta_2)(g^2 - v), w -= lr sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) +
// epsilon). amsgrad: with the largest v so far (Kingma and Ba, 2014; Reddi et al., 2018).
Optimizer Adam(AdamOptions options = {});
// Adam with weight decay (Loshchilov and Hutter, 2017).
Optimizer AdamW(AdamWOptions options = {});
// Adam with Nesterov's momentum (Dozat, 2015).
Optimizer Nadam(NadamOptions options = {});
// Adam by the largest gradient: u = max(beta_2 u, |g|), w -= lr m / ((1 - beta_1^t)(u + epsilon)).
Optimizer Adamax(AdamaxOptions options = {});
// a += g^2, w -= lr g / sqrt(a + epsilon), with a = initial_accumulator_value first (Duchi et al., 2011).
Optimizer Adagrad(AdagradOptions options = {});
// a = rho a + (1 - rho) g^2, s = sqrt((d + epsilon) / (a + epsilon)) g, d = rho d + (1 - rho) s^2, w -= lr s (Zeiler,
// 2012).
Optimizer Adadelta(AdadeltaOptions options = {});
// Second moments of matrices kept as sums of rows and of columns, steps relative to the weights (Shazeer and Stern,
// 2018).
Optimizer Adafactor(AdafactorOptions options = {});
// Follow the regularised leader (McMahan et al., 2013): sparse weights from l1_regularization_strength.
Optimizer Ftrl(FtrlOptions options = {});
// w -= lr sign(beta_1 m + (1 - beta_1) g), m = beta_2 m + (1 - beta_2) g (Chen et al., 2023).
Optimizer Lion(LionOptions options = {});
// Adam's step r, made as long as the weights: w -= lr |w| / |r| r (You et al., 2019).
Optimizer Lamb(LambOptions options = {});
// For matrices: m = momentum m + g, and w -= rate * rms_rate * sqrt(larger size) * o(m), or with nesterov of g +
// momentum m; o makes the singular values about 1, by ns_steps of Newton and Schulz's iteration: x = a x + (b y + c y
// y) x with y = x x^T, a, b, c = muon_a, muon_b, muon_c (Jordan et al., 2024). For everything else, and for matrices
// whose path holds "embedding" or one of exclude_layers: Adam, with adam_beta_1, adam_beta_2, adam_weight_decay and
// learning_rate * adam_lr_ratio. Other regular expressions than the two named are refused.
Optimizer Muon(MuonOptions options = {});

}  // namespace optimizers

}  // namespace keratin
