// SGD, RMSprop, Adam and AdamW: a fused op for many variables, and compositions for the options it does not have.
#include "keratin/core/ops/update.h"
#include "keratin/core/training/detail/optimizer_support.h"

namespace keratin {
namespace {

using detail::check_option;
using detail::common_of;
using detail::power_of;
using detail::scalar;

// Slot-major, as UpdateAttrs wants it.
template <class Slots>
UpdateAttrs attrs_for(const std::vector<const Slots*>& group, const std::vector<double>& decay) {
  UpdateAttrs attrs;
  for (const Slots* s : group) attrs.variables.push_back(s->variable.state());
  for (std::size_t k = 0; k < group.front()->slots.size(); ++k) {
    for (const Slots* s : group) attrs.slots.push_back(s->slots[k].state());
  }
  attrs.decay = decay;
  return attrs;
}

class SGDImpl final : public OptimizerImpl {
 public:
  explicit SGDImpl(const optimizers::SGDOptions& o) : OptimizerImpl("SGD", o.learning_rate, common_of(o)), options_(o) {
    check_option(o.momentum >= 0 && o.momentum <= 1, "SGD", "momentum must be in [0, 1]", o.momentum);
  }
  Config config() const override {
    return common_config().set("momentum", options_.momentum).set("nesterov", options_.nesterov);
  }

 protected:
  std::vector<SlotSpec> slot_specs(const Variable&) const override {
    return options_.momentum > 0 ? std::vector<SlotSpec>{{.name = "momentum"}} : std::vector<SlotSpec>{};
  }
  NodePtr fused(const std::vector<const Slots*>& group, const Value& rate, const Value&,
                const std::vector<double>& decay, Values gradients) const override {
    UpdateAttrs attrs = attrs_for(group, decay);
    attrs.a = options_.momentum;
    attrs.flag = options_.nesterov;
    return ops::apply_update(kSgdUpdate, std::move(attrs), {rate}, std::move(gradients));
  }

 private:
  optimizers::SGDOptions options_;
};

class AdamImpl final : public OptimizerImpl {
 public:
  AdamImpl(const char* class_name, const optimizers::AdamOptions& o)
      : OptimizerImpl(class_name, o.learning_rate, common_of(o)), options_(o) {
    detail::check_epsilon(class_name, o.epsilon);
    detail::check_betas(class_name, o.beta_1, o.beta_2);
  }
  Config config() const override {
    return common_config()
        .set("beta_1", options_.beta_1)
        .set("beta_2", options_.beta_2)
        .set("epsilon", options_.epsilon)
        .set("amsgrad", options_.amsgrad);
  }

 protected:
  std::vector<SlotSpec> slot_specs(const Variable&) const override {
    std::vector<SlotSpec> specs = {{.name = "momentum"}, {.name = "velocity"}};
    if (options_.amsgrad) specs.push_back({.name = "velocity_hat", .block = 1});
    return specs;
  }
  Value alpha(const Value& rate, const Value& number) const {
    const Value power_1 = power_of(options_.beta_1, number), power_2 = power_of(options_.beta_2, number);
    return rate * ops::sqrt(scalar(1) - power_2) / (scalar(1) - power_1);
  }
  Updated update(const Step& step) const override {
    if (!options_.amsgrad) return OptimizerImpl::update(step);
    const Value &g = step.gradient, &w = step.variable;
    const Value m = step.slots[0] + (g - step.slots[0]) * (1 - options_.beta_1);
    const Value v = step.slots[1] + (ops::square(g) - step.slots[1]) * (1 - options_.beta_2);
    const Value largest = ops::maximum(step.slots[2], v);
    const Value length = ops::cast(alpha(step.learning_rate, step.number), w.dtype());
    return {w - m * length / (ops::sqrt(largest) + options_.epsilon), {m, v, largest}};
  }
  NodePtr fused(const std::vector<const Slots*>& group, const Value& rate, const Value& number,
                const std::vector<double>& decay, Values gradients) const override {
    if (options_.amsgrad) return nullptr;
    UpdateAttrs attrs = attrs_for(group, decay);
    attrs.a = options_.beta_1;
    attrs.b = options_.beta_2;
    attrs.epsilon = options_.epsilon;
    return ops::apply_update(kAdamUpdate, std::move(attrs), {rate, alpha(rate, number)}, std::move(gradients));
  }

 private:
  optimizers::AdamOptions options_;
};

class RMSpropImpl final : public OptimizerImpl {
 public:
  explicit RMSpropImpl(const optimizers::RMSpropOptions& o)
      : OptimizerImpl("RMSprop", o.learning_rate, common_of(o)), options_(o) {
    detail::check_epsilon("RMSprop", o.epsilon);
    check_option(o.rho >= 0 && o.rho <= 1, "RMSprop", "rho must be in [0, 1]", o.rho);
    check_option(o.momentum >= 0 && o.momentum <= 1, "RMSprop", "momentum must be in [0, 1]", o.momentum);
  }
  Config config() const override {
    return common_config()
        .set("rho", options_.rho)
        .set("momentum", options_.momentum)
        .set("epsilon", options_.epsilon)
        .set("centered", options_.centered);
  }

 protected:
  std::vector<SlotSpec> slot_specs(const Variable&) const override {
    std::vector<SlotSpec> specs = {{.name = "velocity"}};
    if (options_.momentum > 0) specs.push_back({.name = "momentum", .block = 1});
    if (options_.centered) specs.push_back({.name = "average_gradient", .block = 2});
    return specs;
  }
  Updated update(const Step& step) const override {
    if (!options_.centered) return OptimizerImpl::update(step);
    const Value &g = step.gradient, &w = step.variable;
    const Value v = step.slots[0] * options_.rho + ops::square(g) * (1 - options_.rho);
    const Value mean = step.slots.back() * options_.rho + g * (1 - options_.rho);
    const Value change =
        g * ops::cast(step.learning_rate, g.dtype()) / ops::sqrt(v - ops::square(mean) + options_.epsilon);
    if (options_.momentum == 0) return {w - change, {v, mean}};
    const Value m = step.slots[1] * options_.momentum + change;
    return {w - m, {v, m, mean}};
  }
  NodePtr fused(const std::vector<const Slots*>& group, const Value& rate, const Value&,
                const std::vector<double>& decay, Values gradients) const override {
    if (options_.centered) return nullptr;
    UpdateAttrs attrs = attrs_for(group, decay);
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
  const AdamOptions adam{.learning_rate = o.learning_rate,
                         .beta_1 = o.beta_1,
                         .beta_2 = o.beta_2,
                         .epsilon = o.epsilon,
                         .amsgrad = o.amsgrad,
                         .weight_decay = o.weight_decay,
                         .clipnorm = o.clipnorm,
                         .clipvalue = o.clipvalue,
                         .global_clipnorm = o.global_clipnorm,
                         .use_ema = o.use_ema,
                         .ema_momentum = o.ema_momentum,
                         .ema_overwrite_frequency = o.ema_overwrite_frequency,
                         .loss_scale_factor = o.loss_scale_factor,
                         .gradient_accumulation_steps = o.gradient_accumulation_steps,
                         .name = o.name};
  return Optimizer(std::make_shared<AdamImpl>("AdamW", adam));
}
Optimizer RMSprop(RMSpropOptions options) { return Optimizer(std::make_shared<RMSpropImpl>(options)); }

}  // namespace optimizers

}  // namespace keratin
