// Keras's own optimizers and schedules by name and from their configurations.
#include <algorithm>
#include <cctype>

#include "keratin/core/model/config_variant.h"
#include "keratin/core/training/detail/standard.h"
#include "keratin/core/training/registry.h"

namespace keratin {
namespace {

using detail::optional_small_integer;

// ---- optimizers ----

LearningRate learning_rate(ConfigReader& c, double missing) {
  const ConfigValue* value = c.take("learning_rate");
  if (!value || !std::holds_alternative<ConfigValue::Object>(value->variant())) {
    return c.number("learning_rate", missing);
  }
  const auto schedule = make_schedule(*value, c.where() + ": learning_rate", c.problems());
  return schedule ? LearningRate(*schedule) : LearningRate(missing);
}

// The arguments that all optimizers have.
template <class Options>
Options with_common(ConfigReader& c, double rate = 0.001) {
  Options o;
  o.learning_rate = learning_rate(c, rate);
  if constexpr (std::is_same_v<decltype(o.weight_decay), double>) {  // AdamW's
    o.weight_decay = c.config().find("weight_decay") ? c.optional_number("weight_decay").value_or(0) : o.weight_decay;
  } else {
    o.weight_decay = c.optional_number("weight_decay");
  }
  o.clipnorm = c.optional_number("clipnorm");
  o.clipvalue = c.optional_number("clipvalue");
  o.global_clipnorm = c.optional_number("global_clipnorm");
  o.use_ema = c.boolean("use_ema", false);
  o.ema_momentum = c.number("ema_momentum", 0.99);
  o.ema_overwrite_frequency = optional_small_integer(c, "ema_overwrite_frequency");
  o.loss_scale_factor = c.optional_number("loss_scale_factor");
  o.gradient_accumulation_steps = optional_small_integer(c, "gradient_accumulation_steps");
  o.name = c.name();
  c.ignore("jit_compile");  // Keras 2's, as the others below
  c.ignore("is_legacy_optimizer");
  c.expect("decay", {0.0, 0, {}});
  // Keras 2 wrote the frequency of an average it did not keep.
  if (!o.use_ema) o.ema_overwrite_frequency = {};
  return o;
}

template <class Options>
Options with_betas(ConfigReader& c) {
  Options o = with_common<Options>(c);
  o.beta_1 = c.number("beta_1", o.beta_1);
  o.beta_2 = c.number("beta_2", o.beta_2);
  if constexpr (requires { o.epsilon; }) o.epsilon = c.number("epsilon", o.epsilon);
  if constexpr (requires { o.amsgrad; }) o.amsgrad = c.boolean("amsgrad", false);
  return o;
}

// A list of strings; null is an empty one.
std::vector<std::string> texts(ConfigReader& c, std::string_view key) {
  const ConfigValue* value = c.take(key);
  if (!value || value->is_null()) return {};
  const auto* list = std::get_if<ConfigValue::List>(&value->variant());
  std::vector<std::string> result;
  for (const ConfigValue& item : list ? *list : ConfigValue::List()) {
    if (const auto* text = std::get_if<std::string>(&item.variant())) result.push_back(*text);
  }
  if (!list || result.size() != list->size()) c.problem(key, "expected a list of strings, got " + value->to_json());
  return result;
}

constexpr StandardClass<Optimizer> kOptimizers[] = {
    {"SGD",
     [](ConfigReader& c) {
       auto o = with_common<optimizers::SGDOptions>(c, 0.01);
       o.momentum = c.number("momentum", 0.0);
       o.nesterov = c.boolean("nesterov", false);
       return optimizers::SGD(std::move(o));
     }},
    {"RMSprop",
     [](ConfigReader& c) {
       auto o = with_common<optimizers::RMSpropOptions>(c);
       o.rho = c.number("rho", 0.9);
       o.momentum = c.number("momentum", 0.0);
       o.epsilon = c.number("epsilon", 1e-7);
       o.centered = c.boolean("centered", false);
       return optimizers::RMSprop(std::move(o));
     }},
    {"Adam", [](ConfigReader& c) { return optimizers::Adam(with_betas<optimizers::AdamOptions>(c)); }},
    {"AdamW", [](ConfigReader& c) { return optimizers::AdamW(with_betas<optimizers::AdamWOptions>(c)); }},
    {"Nadam", [](ConfigReader& c) { return optimizers::Nadam(with_betas<optimizers::NadamOptions>(c)); }},
    {"Adamax", [](ConfigReader& c) { return optimizers::Adamax(with_betas<optimizers::AdamaxOptions>(c)); }},
    {"Lion", [](ConfigReader& c) { return optimizers::Lion(with_betas<optimizers::LionOptions>(c)); }},
    {"Lamb", [](ConfigReader& c) { return optimizers::Lamb(with_betas<optimizers::LambOptions>(c)); }},
    {"Muon",
     [](ConfigReader& c) {
       auto o = with_common<optimizers::MuonOptions>(c);
       o.adam_beta_1 = c.number("adam_beta_1", 0.9);
       o.adam_beta_2 = c.number("adam_beta_2", 0.999);
       if (c.config().find("adam_weight_decay")) {
         o.adam_weight_decay = c.optional_number("adam_weight_decay").value_or(0);
       }
       o.epsilon = c.number("epsilon", 1e-7);
       o.exclude_layers = texts(c, "exclude_layers");
       o.exclude_embeddings = c.boolean("exclude_embeddings", true);
       o.muon_a = c.number("muon_a", 3.4445);
       o.muon_b = c.number("muon_b", -4.775);
       o.muon_c = c.number("muon_c", 2.0315);
       o.adam_lr_ratio = c.number("adam_lr_ratio", 1.0);
       o.momentum = c.number("momentum", 0.95);
       o.ns_steps = c.small_integer("ns_steps", 5);
       o.nesterov = c.boolean("nesterov", true);
       if (c.config().find("rms_rate")) o.rms_rate = c.optional_number("rms_rate");
       return optimizers::Muon(std::move(o));
     }},
    {"Adagrad",
     [](ConfigReader& c) {
       auto o = with_common<optimizers::AdagradOptions>(c);
       o.initial_accumulator_value = c.number("initial_accumulator_value", 0.1);
       o.epsilon = c.number("epsilon", 1e-7);
       return optimizers::Adagrad(std::move(o));
     }},
    {"Adadelta",
     [](ConfigReader& c) {
       auto o = with_common<optimizers::AdadeltaOptions>(c);
       o.rho = c.number("rho", 0.95);
       o.epsilon = c.number("epsilon", 1e-7);
       return optimizers::Adadelta(std::move(o));
     }},
    {"Adafactor",
     [](ConfigReader& c) {
       auto o = with_common<optimizers::AdafactorOptions>(c);
       o.beta_2_decay = c.number("beta_2_decay", -0.8);
       o.epsilon_1 = c.number("epsilon_1", 1e-30);
       o.epsilon_2 = c.number("epsilon_2", 0.001);
       o.clip_threshold = c.number("clip_threshold", 1.0);
       o.relative_step = c.boolean("relative_step", true);
       return optimizers::Adafactor(std::move(o));
     }},
    {"Ftrl",
     [](ConfigReader& c) {
       auto o = with_common<optimizers::FtrlOptions>(c);
       o.learning_rate_power = c.number("learning_rate_power", -0.5);
       o.initial_accumulator_value = c.number("initial_accumulator_value", 0.1);
       o.l1_regularization_strength = c.number("l1_regularization_strength", 0.0);
       o.l2_regularization_strength = c.number("l2_regularization_strength", 0.0);
       o.l2_shrinkage_regularization_strength = c.number("l2_shrinkage_regularization_strength", 0.0);
       o.beta = c.number("beta", 0.0);
       return optimizers::Ftrl(std::move(o));
     }},
};

// ---- schedules ----

constexpr StandardClass<Schedule> kSchedules[] = {
    {"ExponentialDecay",
     [](ConfigReader& c) {
       c.ignore("name");
       const double initial = c.number("initial_learning_rate"), steps = c.number("decay_steps");
       const double rate = c.number("decay_rate");
       return schedules::ExponentialDecay(initial, steps, rate, {.staircase = c.boolean("staircase", false)});
     }},
    {"InverseTimeDecay",
     [](ConfigReader& c) {
       c.ignore("name");
       const double initial = c.number("initial_learning_rate"), steps = c.number("decay_steps");
       const double rate = c.number("decay_rate");
       return schedules::InverseTimeDecay(initial, steps, rate, {.staircase = c.boolean("staircase", false)});
     }},
    {"PiecewiseConstantDecay",
     [](ConfigReader& c) {
       c.ignore("name");
       return schedules::PiecewiseConstantDecay(c.integers("boundaries"), c.numbers("values"));
     }},
    {"PolynomialDecay",
     [](ConfigReader& c) {
       c.ignore("name");
       const double initial = c.number("initial_learning_rate"), steps = c.number("decay_steps");
       return schedules::PolynomialDecay(initial, steps,
                                         {.end_learning_rate = c.number("end_learning_rate", 0.0001),
                                          .power = c.number("power", 1.0),
                                          .cycle = c.boolean("cycle", false)});
     }},
    {"CosineDecay",
     [](ConfigReader& c) {
       c.ignore("name");
       const double initial = c.number("initial_learning_rate"), steps = c.number("decay_steps");
       return schedules::CosineDecay(initial, steps,
                                     {.alpha = c.number("alpha", 0.0),
                                      .warmup_target = c.optional_number("warmup_target").value_or(-1),
                                      .warmup_steps = c.integer("warmup_steps", 0)});
     }},
    {"CosineDecayRestarts",
     [](ConfigReader& c) {
       c.ignore("name");
       const double initial = c.number("initial_learning_rate"), steps = c.number("first_decay_steps");
       return schedules::CosineDecayRestarts(
           initial, steps,
           {.t_mul = c.number("t_mul", 2.0), .m_mul = c.number("m_mul", 1.0), .alpha = c.number("alpha", 0.0)});
     }},
};

}  // namespace

std::span<const StandardClass<Optimizer>> detail::standard_optimizers() { return kOptimizers; }
std::span<const StandardClass<Schedule>> detail::standard_schedules() { return kSchedules; }

Optimizer::Optimizer(const std::string& name) {
  const auto lower = [](std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  std::string wanted = name;
  for (const StandardClass<Optimizer>& known : kOptimizers) {
    if (lower(std::string(known.class_name)) == lower(name)) wanted = known.class_name;
  }
  *this = detail::made_by_name("optimizer", detail::standard_optimizers(), wanted);
}

}  // namespace keratin
