#include "keratin/core/training/optimizers.h"

#include <algorithm>

#include "keratin/core/compiler/trace.h"
#include "keratin/core/model/naming.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/update.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

Value scalar(double x) { return constant(Tensor::scalar(static_cast<float>(x))); }

void check(bool good, const std::string& optimizer, const std::string& rule, double value) {
  if (!good) throw InvalidArgument("optimizers::" + optimizer + ": " + rule + ", got " + format_number(value));
}

void check_epsilon_and_rate(const std::string& optimizer, const LearningRate& rate, double epsilon) {
  check(rate.schedule() || rate.rate() >= 0, optimizer, "learning_rate must not be negative", rate.rate());
  check(epsilon >= 0, optimizer, "epsilon must not be negative", epsilon);
}

}  // namespace

Optimizer::Optimizer(const Optimizer&) = default;
Optimizer::Optimizer(Optimizer&&) noexcept = default;
Optimizer& Optimizer::operator=(const Optimizer&) = default;
Optimizer& Optimizer::operator=(Optimizer&&) noexcept = default;
Optimizer::~Optimizer() = default;
Optimizer::Optimizer(const char* name) : Optimizer(std::string(name)) {}

LearningRate::LearningRate(double rate) : rate_(rate) {}
LearningRate::LearningRate(Schedule schedule) : schedule_(std::make_shared<const Schedule>(std::move(schedule))) {}

OptimizerImpl::OptimizerImpl(std::string class_name, LearningRate learning_rate, OptimizerCommon common)
    : class_name_(std::move(class_name)), rate_(std::move(learning_rate)), common_(std::move(common)) {
  if (common_.name.empty()) common_.name = to_snake_case(class_name_);
  const int ways = (common_.clipnorm ? 1 : 0) + (common_.clipvalue ? 1 : 0) + (common_.global_clipnorm ? 1 : 0);
  if (ways > 1) {
    throw InvalidArgument("optimizers::" + class_name_ + ": give only one of clipnorm, clipvalue and global_clipnorm");
  }
  for (const auto& [rule, value] : {std::pair{"clipnorm must be positive", common_.clipnorm},
                                    {"clipvalue must be positive", common_.clipvalue},
                                    {"global_clipnorm must be positive", common_.global_clipnorm}}) {
    if (value) check(*value > 0, class_name_, rule, *value);
  }
  if (common_.weight_decay)
    check(*common_.weight_decay >= 0, class_name_, "weight_decay must not be negative", *common_.weight_decay);
  iteration_ = Variable(common_.name + "/iteration", {}, {.trainable = false, .dtype = DType::int32});
  learning_rate_ = Variable(common_.name + "/learning_rate", {},
                            {.initializer = initializers::Constant(rate_.rate()), .trainable = false});
}

void OptimizerImpl::build(std::span<const Variable> variables) {
  for (const Variable& variable : variables) {
    const bool known =
        std::any_of(slots_.begin(), slots_.end(), [&](const Slots& s) { return s.variable == variable; });
    if (known) continue;
    Slots made{variable, {}};
    std::string flat = variable.path();
    std::replace(flat.begin(), flat.end(), '/', '_');
    for (const std::string& slot : slot_names()) {
      made.slots.emplace_back(common_.name + "/" + flat + "_" + slot, variable.shape(),
                              VariableOptions{.trainable = false, .dtype = variable.dtype()});
    }
    slots_.push_back(std::move(made));
  }
}

Values OptimizerImpl::clipped(const Values& gradients) const {
  Values result;
  if (common_.clipvalue) {
    for (const Value& g : gradients) result.push_back(ops::clip(g, -*common_.clipvalue, *common_.clipvalue));
    return result;
  }
  // Scaled so that the norm is at most the bound: g * bound / max(norm, bound).
  auto norm_of = [](const Value& sum_of_squares) { return ops::sqrt(sum_of_squares); };
  if (common_.clipnorm) {
    for (const Value& g : gradients) {
      const Value norm = norm_of(ops::sum(ops::square(g)));
      result.push_back(g * (scalar(*common_.clipnorm) / ops::maximum(norm, *common_.clipnorm)));
    }
    return result;
  }
  if (common_.global_clipnorm) {
    Value total;
    for (const Value& g : gradients) {
      const Value part = ops::sum(ops::square(g));
      total = total ? total + part : part;
    }
    const Value factor = scalar(*common_.global_clipnorm) / ops::maximum(norm_of(total), *common_.global_clipnorm);
    for (const Value& g : gradients) result.push_back(g * factor);
    return result;
  }
  return gradients;
}

std::vector<NodePtr> OptimizerImpl::apply(TraceContext& trace, std::span<const Variable> variables,
                                          const Values& gradients) {
  const ScopeGuard scope(common_.name);
  // Variables the loss does not depend on stay as they are.
  std::vector<const Slots*> used;
  Values given;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    if (!gradients[i]) continue;
    const auto found =
        std::find_if(slots_.begin(), slots_.end(), [&](const Slots& s) { return s.variable == variables[i]; });
    if (found == slots_.end())
      throw InvalidArgument("optimizer " + name() + ": build() has not seen " + variables[i].path());
    used.push_back(&*found);
    given.push_back(gradients[i]);
  }
  if (!given.empty()) given = clipped(given);

  const Value iteration = iteration_;
  const Value done = ops::cast(iteration, DType::float32);
  const Value rate = rate_.schedule() ? (*rate_.schedule())(done) : Value(learning_rate_);
  const Value step = done + 1.0;

  // Constrained variables are updated by ops, so that the constraint can be put between the new value and the write.
  std::vector<NodePtr> nodes;
  std::vector<const Slots*> group;
  Values group_gradients;
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]->variable.constraint()) {
      group.push_back(used[i]);
      group_gradients.push_back(given[i]);
      continue;
    }
    const NodePtr fused = update({used[i]}, rate, step, {common_.weight_decay.value_or(0)}, {given[i]});
    for (const Value& written : fused->op().decompose(*fused, fused->inputs())) {
      const Node& write = *written.node();
      const VariablePtr& target = write.attrs_as<AssignAttrs>().variable;
      const bool constrained = target == used[i]->variable.state();
      nodes.push_back(constrained ? assign(target, used[i]->variable.constraint()(write.input(0))) : written.node());
    }
  }
  if (!group.empty()) {
    std::vector<double> decay(group.size(), common_.weight_decay.value_or(0));
    nodes.push_back(update(group, rate, step, decay, std::move(group_gradients)));
  }
  trace.assign(iteration_.state(), iteration + constant(Tensor::scalar<std::int32_t>(1)));
  return nodes;
}

std::vector<Variable> OptimizerImpl::variables() const {
  std::vector<Variable> result = {iteration_};
  if (!rate_.schedule()) result.push_back(learning_rate_);
  if (slots_interleaved()) {
    for (const Slots& s : slots_) result.insert(result.end(), s.slots.begin(), s.slots.end());
  } else {
    for (std::size_t k = 0; k < slot_names().size(); ++k) {
      for (const Slots& s : slots_) result.push_back(s.slots[k]);
    }
  }
  return result;
}

double OptimizerImpl::learning_rate() const {
  return rate_.schedule() ? rate_.schedule()->at(iterations()) : learning_rate_.value().item();
}

void OptimizerImpl::set_learning_rate(double rate) {
  if (rate_.schedule()) {
    throw InvalidArgument("optimizer " + name() + ": its learning rate is given by the schedule " +
                          rate_.schedule()->config().class_name() + " and cannot be set");
  }
  check(rate >= 0, class_name_, "learning_rate must not be negative", rate);
  learning_rate_.assign(Tensor::scalar(static_cast<float>(rate)));
}

Config OptimizerImpl::common_config() const {
  Config config("keras.optimizers", class_name_);
  config.set("name", common_.name);
  if (rate_.schedule()) {
    config.set("learning_rate", rate_.schedule()->config());
  } else {
    config.set("learning_rate", learning_rate());
  }
  config.set("weight_decay", common_.weight_decay).set("clipnorm", common_.clipnorm);
  config.set("global_clipnorm", common_.global_clipnorm).set("clipvalue", common_.clipvalue);
  config.set("use_ema", false).set("ema_momentum", 0.99).set("ema_overwrite_frequency", ConfigValue());
  return config;
}
Config OptimizerImpl::config() const { return common_config(); }

namespace {

// Slot-major, as UpdateAttrs wants it.
template <class Slots>
UpdateAttrs attrs_for(const std::vector<const Slots*>& group, std::size_t slots, const std::vector<double>& decay) {
  UpdateAttrs attrs;
  for (const Slots* s : group) attrs.variables.push_back(s->variable.state());
  for (std::size_t k = 0; k < slots; ++k) {
    for (const Slots* s : group) attrs.slots.push_back(s->slots[k].state());
  }
  attrs.decay = decay;
  return attrs;
}

class SGDImpl final : public OptimizerImpl {
 public:
  explicit SGDImpl(const optimizers::SGDOptions& o)
      : OptimizerImpl("SGD", o.learning_rate, {o.weight_decay, o.clipnorm, o.clipvalue, o.global_clipnorm, o.name}),
        momentum_(o.momentum),
        nesterov_(o.nesterov) {
    check_epsilon_and_rate("SGD", o.learning_rate, 0);
    check(momentum_ >= 0 && momentum_ <= 1, "SGD", "momentum must be in [0, 1]", momentum_);
  }
  Config config() const override { return common_config().set("momentum", momentum_).set("nesterov", nesterov_); }

 protected:
  std::vector<std::string> slot_names() const override {
    return momentum_ > 0 ? std::vector<std::string>{"momentum"} : std::vector<std::string>{};
  }
  NodePtr update(const std::vector<const Slots*>& group, const Value& rate, const Value&,
                 const std::vector<double>& decay, Values gradients) override {
    UpdateAttrs attrs = attrs_for(group, slot_names().size(), decay);
    attrs.a = momentum_;
    attrs.flag = nesterov_;
    return ops::apply_update(kSgdUpdate, std::move(attrs), {rate}, std::move(gradients));
  }

 private:
  double momentum_;
  bool nesterov_;
};

class AdamImpl final : public OptimizerImpl {
 public:
  AdamImpl(const std::string& class_name, const optimizers::AdamOptions& o)
      : OptimizerImpl(class_name, o.learning_rate,
                      {o.weight_decay, o.clipnorm, o.clipvalue, o.global_clipnorm, o.name}),
        options_(o) {
    check_epsilon_and_rate(class_name, o.learning_rate, o.epsilon);
    check(o.beta_1 >= 0 && o.beta_1 < 1, class_name, "beta_1 must be in [0, 1)", o.beta_1);
    check(o.beta_2 >= 0 && o.beta_2 < 1, class_name, "beta_2 must be in [0, 1)", o.beta_2);
  }
  Config config() const override {
    return common_config()
        .set("beta_1", options_.beta_1)
        .set("beta_2", options_.beta_2)
        .set("epsilon", options_.epsilon)
        .set("amsgrad", false);
  }

 protected:
  std::vector<std::string> slot_names() const override { return {"momentum", "velocity"}; }
  NodePtr update(const std::vector<const Slots*>& group, const Value& rate, const Value& step,
                 const std::vector<double>& decay, Values gradients) override {
    UpdateAttrs attrs = attrs_for(group, 2, decay);
    attrs.a = options_.beta_1;
    attrs.b = options_.beta_2;
    attrs.epsilon = options_.epsilon;
    // alpha = lr * sqrt(1 - b2^t) / (1 - b1^t)
    const Value power_1 = ops::power(scalar(options_.beta_1), step);
    const Value power_2 = ops::power(scalar(options_.beta_2), step);
    const Value alpha = rate * ops::sqrt(scalar(1) - power_2) / (scalar(1) - power_1);
    return ops::apply_update(kAdamUpdate, std::move(attrs), {rate, alpha}, std::move(gradients));
  }

 private:
  optimizers::AdamOptions options_;
};

class RMSpropImpl final : public OptimizerImpl {
 public:
  explicit RMSpropImpl(const optimizers::RMSpropOptions& o)
      : OptimizerImpl("RMSprop", o.learning_rate, {o.weight_decay, o.clipnorm, o.clipvalue, o.global_clipnorm, o.name}),
        options_(o) {
    check_epsilon_and_rate("RMSprop", o.learning_rate, o.epsilon);
    check(o.rho >= 0 && o.rho <= 1, "RMSprop", "rho must be in [0, 1]", o.rho);
    check(o.momentum >= 0 && o.momentum <= 1, "RMSprop", "momentum must be in [0, 1]", o.momentum);
  }
  Config config() const override {
    return common_config()
        .set("rho", options_.rho)
        .set("momentum", options_.momentum)
        .set("epsilon", options_.epsilon)
        .set("centered", false);
  }

 protected:
  std::vector<std::string> slot_names() const override {
    return options_.momentum > 0 ? std::vector<std::string>{"velocity", "momentum"}
                                 : std::vector<std::string>{"velocity"};
  }
  bool slots_interleaved() const override { return false; }
  NodePtr update(const std::vector<const Slots*>& group, const Value& rate, const Value&,
                 const std::vector<double>& decay, Values gradients) override {
    UpdateAttrs attrs = attrs_for(group, slot_names().size(), decay);
    attrs.a = options_.rho;
    attrs.b = options_.momentum;
    attrs.epsilon = options_.epsilon;
    return ops::apply_update(kRmspropUpdate, std::move(attrs), {rate}, std::move(gradients));
  }

 private:
  optimizers::RMSpropOptions options_;
};

}  // namespace

namespace optimizers {

Optimizer SGD(SGDOptions options) { return Optimizer(std::make_shared<SGDImpl>(options)); }
Optimizer Adam(AdamOptions options) { return Optimizer(std::make_shared<AdamImpl>("Adam", options)); }
Optimizer AdamW(AdamWOptions o) {
  return Optimizer(
      std::make_shared<AdamImpl>("AdamW", AdamOptions{o.learning_rate, o.beta_1, o.beta_2, o.epsilon, o.weight_decay,
                                                      o.clipnorm, o.clipvalue, o.global_clipnorm, o.name}));
}
Optimizer RMSprop(RMSpropOptions options) { return Optimizer(std::make_shared<RMSpropImpl>(options)); }

}  // namespace optimizers

Optimizer::Optimizer(const std::string& name) {
  std::string wanted = name;
  std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  if (wanted == "sgd") {
    *this = optimizers::SGD();
  } else if (wanted == "adam") {
    *this = optimizers::Adam();
  } else if (wanted == "adamw") {
    *this = optimizers::AdamW();
  } else if (wanted == "rmsprop") {
    *this = optimizers::RMSprop();
  } else {
    throw InvalidArgument("unknown optimizer '" + name + "'" + did_you_mean(name, {"sgd", "adam", "adamw", "rmsprop"}));
  }
}

}  // namespace keratin
