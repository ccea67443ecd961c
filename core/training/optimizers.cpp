#include "keratin/core/training/optimizers.h"

#include <algorithm>

#include "keratin/core/compiler/trace.h"
#include "keratin/core/model/naming.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

Value scalar(double x) { return constant(Tensor::scalar(static_cast<float>(x))); }

// 1 or 0: whether the number of the step, counted from 1, is a multiple of `every`.
Value is_multiple(const Value& number, double every) { return ops::equal(number, ops::floor(number / every) * every); }

}  // namespace

Optimizer::Optimizer(const Optimizer&) = default;
Optimizer::Optimizer(Optimizer&&) noexcept = default;
Optimizer& Optimizer::operator=(const Optimizer&) = default;
Optimizer& Optimizer::operator=(Optimizer&&) noexcept = default;
Optimizer::~Optimizer() = default;
Optimizer::Optimizer(std::shared_ptr<OptimizerImpl> impl) : impl_(std::move(impl)) {}
Optimizer::Optimizer(const char* name) : Optimizer(std::string(name)) {}

LearningRate::LearningRate(double rate) : rate_(rate) {}
LearningRate::LearningRate(Schedule schedule) : schedule_(std::make_shared<const Schedule>(std::move(schedule))) {}

OptimizerImpl::OptimizerImpl(std::string class_name, LearningRate learning_rate, OptimizerCommon common)
    : class_name_(std::move(class_name)), rate_(std::move(learning_rate)), common_(std::move(common)) {
  if (common_.name.empty()) common_.name = to_snake_case(class_name_);
  const auto check = [&](bool good, const char* rule, double value) {
    if (!good) throw InvalidArgument("optimizers::" + class_name_ + ": " + rule + ", got " + format_number(value));
  };
  const int ways = (common_.clipnorm ? 1 : 0) + (common_.clipvalue ? 1 : 0) + (common_.global_clipnorm ? 1 : 0);
  if (ways > 1) {
    throw InvalidArgument("optimizers::" + class_name_ + ": give only one of clipnorm, clipvalue and global_clipnorm");
  }
  check(rate_.schedule() || rate_.rate() >= 0, "learning_rate must not be negative", rate_.rate());
  for (const auto& [rule, value] : {std::pair{"clipnorm must be positive", common_.clipnorm},
                                    {"clipvalue must be positive", common_.clipvalue},
                                    {"global_clipnorm must be positive", common_.global_clipnorm},
                                    {"loss_scale_factor must be positive", common_.loss_scale_factor}}) {
    if (value) check(*value > 0, rule, *value);
  }
  if (common_.weight_decay)
    check(*common_.weight_decay >= 0, "weight_decay must not be negative", *common_.weight_decay);
  check(common_.ema_momentum >= 0 && common_.ema_momentum <= 1, "ema_momentum must be in [0, 1]", common_.ema_momentum);
  if (const auto every = common_.ema_overwrite_frequency) {
    check(*every >= 1, "ema_overwrite_frequency must be positive", *every);
  }
  if (const auto steps = common_.gradient_accumulation_steps) {
    check(*steps >= 2, "gradient_accumulation_steps must be at least 2", *steps);
  }
  iteration_ = Variable(common_.name + "/iteration", {}, {.trainable = false, .dtype = DType::int32});
  learning_rate_ = Variable(common_.name + "/learning_rate", {},
                            {.initializer = initializers::Constant(rate_.rate()), .trainable = false});
}

void OptimizerImpl::build(std::span<const Variable> variables) {
  for (const Variable& variable : variables) {
    if (entry_of(variable)) continue;
    std::string flat = variable.path();
    std::replace(flat.begin(), flat.end(), '/', '_');
    const auto made = [&](const SlotSpec& spec) {
      return Variable(common_.name + "/" + flat + "_" + spec.name, spec.has_shape ? spec.shape : variable.shape(),
                      {.initializer = initializers::Constant(spec.initial),
                       .trainable = false,
                       .dtype = spec.has_shape ? spec.dtype : variable.dtype()});
    };
    Entry entry;
    entry.own.variable = variable;
    if (common_.use_ema) entry.average = made({.name = "average"});
    if (common_.gradient_accumulation_steps) entry.accumulator = made({.name = "gradient_accumulator"});
    for (const SlotSpec& spec : slot_specs(variable)) {
      entry.own.slots.push_back(made(spec));
      entry.blocks.push_back(spec.block);
    }
    entries_.push_back(std::move(entry));
  }
}

const OptimizerImpl::Entry* OptimizerImpl::entry_of(const Variable& variable) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.own.variable == variable; });
  return found == entries_.end() ? nullptr : &*found;
}

Values OptimizerImpl::clipped(const Values& gradients) const {
  Values result;
  if (common_.clipvalue) {
    for (const Value& g : gradients) result.push_back(ops::clip(g, -*common_.clipvalue, *common_.clipvalue));
    return result;
  }
  // Scaled so that the norm is at most the bound: g * bound / max(norm, bound).
  if (common_.clipnorm) {
    for (const Value& g : gradients) {
      const Value norm = ops::sqrt(ops::sum(ops::square(g)));
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
    const Value factor = scalar(*common_.global_clipnorm) / ops::maximum(ops::sqrt(total), *common_.global_clipnorm);
    for (const Value& g : gradients) result.push_back(g * factor);
    return result;
  }
  return gradients;
}

double OptimizerImpl::decay_of(const Variable& variable) const {
  if (std::find(undecayed_.begin(), undecayed_.end(), variable) != undecayed_.end()) return 0;
  for (const std::string& name : undecayed_names_) {
    if (variable.name().find(name) != std::string::npos) return 0;
  }
  return weight_decay_of(variable);
}

std::vector<NodePtr> OptimizerImpl::apply(TraceContext& trace, std::span<const Variable> variables,
                                          const Values& gradients) {
  const ScopeGuard scope(common_.name);
  // Variables the loss does not depend on stay as they are.
  std::vector<const Entry*> used, unused;
  Values given;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const Entry* entry = entry_of(variables[i]);
    if (!entry) throw InvalidArgument("optimizer " + name() + ": build() has not seen " + variables[i].path());
    (gradients[i] ? used : unused).push_back(entry);
    if (gradients[i]) given.push_back(gradients[i]);
  }
  if (common_.loss_scale_factor) {
    for (Value& g : given) g = g / *common_.loss_scale_factor;
  }

  const Value iteration = iteration_;
  const Value batches = ops::cast(iteration, DType::float32);
  const Value rate = rate_.schedule() ? (*rate_.schedule())(batches) : Value(learning_rate_);
  Value number = batches + 1.0;
  std::vector<NodePtr> nodes;
  Value due;  // with accumulation: whether this batch is the last of its update
  if (common_.gradient_accumulation_steps) {
    const double steps = *common_.gradient_accumulation_steps;
    due = is_multiple(number, steps);
    number = ops::floor(batches / steps) + 1.0;
    for (std::size_t i = 0; i < given.size(); ++i) {
      const Value sum = Value(used[i]->accumulator) + given[i];
      nodes.push_back(assign(used[i]->accumulator.state(), ops::where(due, ops::zeros_like(sum), sum)));
      given[i] = sum / steps;
    }
  }
  if (!given.empty()) given = clipped(given);

  const auto when_due = [&](const Value& updated, const Value& before) {
    return due ? ops::where(due, updated, before) : updated;
  };
  // The moving average's share of the new value, and whether it becomes the weights now.
  const Value kept = ops::where(ops::greater(number, 1.0), scalar(common_.ema_momentum), scalar(0));
  const auto averaged = [&](const Entry& entry, const Value& value) {
    if (!common_.use_ema) return value;
    const Value average = kept * entry.average + (1.0 - kept) * value;
    nodes.push_back(assign(entry.average.state(), average));
    if (!common_.ema_overwrite_frequency) return value;
    return ops::where(is_multiple(number, *common_.ema_overwrite_frequency), average, value);
  };

  // What nothing stands between is updated by one op.
  const bool alone = !due && !common_.use_ema;
  std::vector<const Slots*> group;
  Values group_gradients;
  std::vector<double> group_decay;
  const auto one_by_one = [&](const Entry& entry, const Value& gradient, bool constrained) {
    const Value before = entry.own.variable;
    const double decay = decay_of(entry.own.variable);
    Values slots(entry.own.slots.begin(), entry.own.slots.end());
    const Value decayed = decay == 0 ? before : before - before * (ops::cast(rate, before.dtype()) * decay);
    const Updated made = update({entry.own, decayed, gradient, slots, rate, number, decay});
    for (std::size_t k = 0; k < slots.size(); ++k) {
      if (made.slots[k] == slots[k]) continue;
      nodes.push_back(assign(entry.own.slots[k].state(), when_due(made.slots[k], slots[k])));
    }
    Value value = averaged(entry, when_due(made.variable, before));
    if (constrained) value = entry.own.variable.constraint()(value);
    nodes.push_back(assign(entry.own.variable.state(), value));
  };
  for (std::size_t i = 0; i < used.size(); ++i) {
    // A constraint goes between the new value and the write.
    const bool constrained = static_cast<bool>(used[i]->own.variable.constraint());
    if (!alone || constrained) {
      one_by_one(*used[i], given[i], constrained);
      continue;
    }
    group.push_back(&used[i]->own);
    group_gradients.push_back(given[i]);
    group_decay.push_back(decay_of(used[i]->own.variable));
  }
  if (!group.empty()) {
    if (NodePtr node = fused(group, rate, number, group_decay, group_gradients)) {
      nodes.push_back(std::move(node));
    } else {
      for (std::size_t i = 0; i < used.size(); ++i) {
        if (!used[i]->own.variable.constraint()) one_by_one(*used[i], given[i], false);
      }
    }
  }
  for (const Entry* entry : unused) {
    const Value before = entry->own.variable;
    const Value value = averaged(*entry, before);
    if (value != before) nodes.push_back(assign(entry->own.variable.state(), value));
  }
  const std::vector<Variable> shared = shared_slots();
  const Values shared_values = shared.empty() ? Values{} : update_shared(number);
  for (std::size_t i = 0; i < shared.size(); ++i) {
    nodes.push_back(assign(shared[i].state(), when_due(shared_values[i], shared[i])));
  }
  trace.assign(iteration_.state(), iteration + constant(Tensor::scalar<std::int32_t>(1)));
  return nodes;
}

OptimizerImpl::Updated OptimizerImpl::update(const Step& step) const {
  const NodePtr node = fused({&step.own}, step.learning_rate, step.number, {step.decay}, {step.gradient});
  if (!node) throw InvalidArgument("optimizer " + name() + ": neither update() nor fused() is defined");
  // Assigns: of the variable, then of its slots.
  const Values written = node->op().decompose(*node, node->inputs());
  Updated result{written.front().node()->input(0), {}};
  for (std::size_t i = 1; i < written.size(); ++i) result.slots.push_back(written[i].node()->input(0));
  return result;
}

NodePtr OptimizerImpl::fused(const std::vector<const Slots*>&, const Value&, const Value&, const std::vector<double>&,
                             Values) const {
  return nullptr;
}
Values OptimizerImpl::update_shared(const Value&) const { return {}; }

void OptimizerImpl::exclude_from_weight_decay(std::vector<Variable> variables, std::vector<std::string> names) {
  if (!entries_.empty()) {
    throw InvalidArgument(
        "optimizer " + name() +
        ": exclude_from_weight_decay must be called before the optimizer has seen the variables, that "
        "is before training, saving and loading");
  }
  undecayed_ = std::move(variables);
  undecayed_names_ = std::move(names);
}

void OptimizerImpl::finalize_variable_values() {
  if (!common_.use_ema || iteration_.value().item() == 0) return;
  for (Entry& entry : entries_) entry.own.variable.assign(entry.average.value());
}

Variable OptimizerImpl::average_of(const Variable& variable) const {
  const Entry* entry = entry_of(variable);
  return entry ? entry->average : Variable();
}

std::vector<Variable> OptimizerImpl::variables() const {
  std::vector<Variable> result = {iteration_};
  if (!rate_.schedule()) result.push_back(learning_rate_);
  for (const Entry& entry : entries_) {
    if (entry.average) result.push_back(entry.average);
  }
  for (const Entry& entry : entries_) {
    if (entry.accumulator) result.push_back(entry.accumulator);
  }
  int last_block = 0;
  for (const Entry& entry : entries_) {
    for (const int block : entry.blocks) last_block = std::max(last_block, block);
  }
  for (int block = 0; block <= last_block; ++block) {
    for (const Entry& entry : entries_) {
      for (std::size_t k = 0; k < entry.blocks.size(); ++k) {
        if (entry.blocks[k] == block) result.push_back(entry.own.slots[k]);
      }
    }
  }
  for (const Variable& variable : shared_slots()) result.push_back(variable);
  return result;
}

std::int64_t OptimizerImpl::iterations() const {
  return static_cast<std::int64_t>(iteration_.value().item()) / common_.gradient_accumulation_steps.value_or(1);
}

double OptimizerImpl::learning_rate() const {
  if (!rate_.schedule()) return learning_rate_.value().item();
  return rate_.schedule()->at(static_cast<std::int64_t>(iteration_.value().item()));
}

void OptimizerImpl::set_learning_rate(double rate) {
  if (rate_.schedule()) {
    throw InvalidArgument("optimizer " + name() + ": its learning rate is given by the schedule " +
                          rate_.schedule()->config().class_name() + " and cannot be set");
  }
  if (!(rate >= 0)) {
    throw InvalidArgument("optimizers::" + class_name_ + ": learning_rate must not be negative, got " +
                          format_number(rate));
  }
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
  config.set("use_ema", common_.use_ema).set("ema_momentum", common_.ema_momentum);
  config.set("ema_overwrite_frequency", common_.ema_overwrite_frequency);
  // Keras 3.0 does not know these two.
  if (common_.loss_scale_factor) config.set("loss_scale_factor", common_.loss_scale_factor);
  if (common_.gradient_accumulation_steps) {
    config.set("gradient_accumulation_steps", common_.gradient_accumulation_steps);
  }
  return config;
}
Config OptimizerImpl::config() const { return common_config(); }

}  // namespace keratin
