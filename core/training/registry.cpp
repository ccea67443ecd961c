#include "keratin/core/training/registry.h"
#include "keratin/core/model/config_variant.h"

#include "keratin/core/model/detail/factory.h"

namespace keratin {
namespace {

using detail::Factory;
using detail::ObjectConfig;

// ---- losses ----

// The arguments all losses have: the name is a label, and "auto" is what Keras 2 calls the only reduction there is
// here.
void loss_common(ConfigReader& c) {
  c.ignore("name");
  c.ignore("fn");
  c.expect("reduction", {"sum_over_batch_size", "auto", {}});
  c.expect("dtype", {"float32", {}});
}

losses::CrossentropyOptions crossentropy_options(ConfigReader& c) {
  loss_common(c);
  c.expect("axis", {-1});
  return {.from_logits = c.boolean("from_logits", false), .label_smoothing = c.number("label_smoothing", 0.0)};
}

constexpr StandardClass<Loss> kLosses[] = {
    {"MeanSquaredError",
     [](ConfigReader& c) {
       loss_common(c);
       return losses::MeanSquaredError();
     }},
    {"MeanAbsoluteError",
     [](ConfigReader& c) {
       loss_common(c);
       return losses::MeanAbsoluteError();
     }},
    {"Huber",
     [](ConfigReader& c) {
       loss_common(c);
       return losses::Huber(c.number("delta", 1.0));
     }},
    {"BinaryCrossentropy", [](ConfigReader& c) { return losses::BinaryCrossentropy(crossentropy_options(c)); }},
    {"CategoricalCrossentropy",
     [](ConfigReader& c) { return losses::CategoricalCrossentropy(crossentropy_options(c)); }},
    {"SparseCategoricalCrossentropy",
     [](ConfigReader& c) {
       loss_common(c);
       c.expect("axis", {-1});
       return losses::SparseCategoricalCrossentropy({.from_logits = c.boolean("from_logits", false)});
     }},
};

// ---- metrics ----

std::string metric_name(ConfigReader& c, const char* missing) {
  c.expect("dtype", {"float32", {}});
  const std::string name = c.text("name", missing);
  return name;
}

bool crossentropy_logits(ConfigReader& c) {
  c.expect("label_smoothing", {0, 0.0});
  c.expect("axis", {-1});
  return c.boolean("from_logits", false);
}

constexpr StandardClass<Metric> kMetrics[] = {
    {"BinaryAccuracy",
     [](ConfigReader& c) {
       return metrics::BinaryAccuracy(metric_name(c, "binary_accuracy"), c.number("threshold", 0.5));
     }},
    {"CategoricalAccuracy",
     [](ConfigReader& c) { return metrics::CategoricalAccuracy(metric_name(c, "categorical_accuracy")); }},
    {"SparseCategoricalAccuracy",
     [](ConfigReader& c) { return metrics::SparseCategoricalAccuracy(metric_name(c, "sparse_categorical_accuracy")); }},
    {"TopKCategoricalAccuracy",
     [](ConfigReader& c) {
       return metrics::TopKCategoricalAccuracy(c.small_integer("k", 5), metric_name(c, "top_k_categorical_accuracy"));
     }},
    {"SparseTopKCategoricalAccuracy",
     [](ConfigReader& c) {
       c.expect("from_sorted_ids", {false});
       return metrics::SparseTopKCategoricalAccuracy(c.small_integer("k", 5),
                                                     metric_name(c, "sparse_top_k_categorical_accuracy"));
     }},
    {"MeanSquaredError",
     [](ConfigReader& c) { return metrics::MeanSquaredError(metric_name(c, "mean_squared_error")); }},
    {"RootMeanSquaredError",
     [](ConfigReader& c) { return metrics::RootMeanSquaredError(metric_name(c, "root_mean_squared_error")); }},
    {"MeanAbsoluteError",
     [](ConfigReader& c) { return metrics::MeanAbsoluteError(metric_name(c, "mean_absolute_error")); }},
    {"BinaryCrossentropy",
     [](ConfigReader& c) {
       return metrics::BinaryCrossentropy(metric_name(c, "binary_crossentropy"), crossentropy_logits(c));
     }},
    {"CategoricalCrossentropy",
     [](ConfigReader& c) {
       return metrics::CategoricalCrossentropy(metric_name(c, "categorical_crossentropy"), crossentropy_logits(c));
     }},
    {"SparseCategoricalCrossentropy",
     [](ConfigReader& c) {
       return metrics::SparseCategoricalCrossentropy(metric_name(c, "sparse_categorical_crossentropy"),
                                                     crossentropy_logits(c));
     }},
    // How Keras 2 writes a metric that was given by name.
    {"MeanMetricWrapper",
     [](ConfigReader& c) {
       c.ignore("name");
       c.expect("dtype", {"float32", {}});
       return Metric(c.text("fn"));
     }},
};

// ---- optimizers ----

LearningRate learning_rate(ConfigReader& c, double missing) {
  const ConfigValue* value = c.take("learning_rate");
  if (!value || !std::holds_alternative<ConfigValue::Object>(value->variant())) {
    return c.number("learning_rate", missing);
  }
  const auto schedule = make_schedule(*value, c.where() + ": learning_rate", c.problems());
  return schedule ? LearningRate(*schedule) : LearningRate(missing);
}

void optimizer_common(ConfigReader& c) {
  c.expect("use_ema", {false});
  c.ignore("ema_momentum");  // of use_ema, as the next one
  c.ignore("ema_overwrite_frequency");
  c.ignore("jit_compile");  // Keras 2's, as the others below
  c.ignore("is_legacy_optimizer");
  c.expect("decay", {0.0, 0, {}});
}

optimizers::AdamOptions adam_options(ConfigReader& c) {
  optimizer_common(c);
  c.expect("amsgrad", {false});
  return {.learning_rate = learning_rate(c, 0.001),
          .beta_1 = c.number("beta_1", 0.9),
          .beta_2 = c.number("beta_2", 0.999),
          .epsilon = c.number("epsilon", 1e-7),
          .weight_decay = c.optional_number("weight_decay"),
          .clipnorm = c.optional_number("clipnorm"),
          .clipvalue = c.optional_number("clipvalue"),
          .global_clipnorm = c.optional_number("global_clipnorm"),
          .name = c.name()};
}

constexpr StandardClass<Optimizer> kOptimizers[] = {
    {"SGD",
     [](ConfigReader& c) {
       optimizer_common(c);
       return optimizers::SGD({.learning_rate = learning_rate(c, 0.01),
                               .momentum = c.number("momentum", 0.0),
                               .nesterov = c.boolean("nesterov", false),
                               .weight_decay = c.optional_number("weight_decay"),
                               .clipnorm = c.optional_number("clipnorm"),
                               .clipvalue = c.optional_number("clipvalue"),
                               .global_clipnorm = c.optional_number("global_clipnorm"),
                               .name = c.name()});
     }},
    {"Adam", [](ConfigReader& c) { return optimizers::Adam(adam_options(c)); }},
    {"AdamW",
     [](ConfigReader& c) {
       const optimizers::AdamOptions o = adam_options(c);
       return optimizers::AdamW({.learning_rate = o.learning_rate,
                                 .weight_decay = o.weight_decay.value_or(0.0),
                                 .beta_1 = o.beta_1,
                                 .beta_2 = o.beta_2,
                                 .epsilon = o.epsilon,
                                 .clipnorm = o.clipnorm,
                                 .clipvalue = o.clipvalue,
                                 .global_clipnorm = o.global_clipnorm,
                                 .name = o.name});
     }},
    {"RMSprop",
     [](ConfigReader& c) {
       optimizer_common(c);
       c.expect("centered", {false});
       return optimizers::RMSprop({.learning_rate = learning_rate(c, 0.001),
                                   .rho = c.number("rho", 0.9),
                                   .momentum = c.number("momentum", 0.0),
                                   .epsilon = c.number("epsilon", 1e-7),
                                   .weight_decay = c.optional_number("weight_decay"),
                                   .clipnorm = c.optional_number("clipnorm"),
                                   .clipvalue = c.optional_number("clipvalue"),
                                   .global_clipnorm = c.optional_number("global_clipnorm"),
                                   .name = c.name()});
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

Factory<Loss>& loss_factory() {
  static auto* factory = new Factory<Loss>("loss", kLosses);
  return *factory;
}
Factory<Metric>& metric_factory() {
  static auto* factory = new Factory<Metric>("metric", kMetrics);
  return *factory;
}
Factory<Optimizer>& optimizer_factory() {
  static auto* factory = new Factory<Optimizer>("optimizer", kOptimizers);
  return *factory;
}
Factory<Schedule>& schedule_factory() {
  static auto* factory = new Factory<Schedule>("schedule", kSchedules);
  return *factory;
}

template <class T>
std::optional<T> make(Factory<T>& factory, const ConfigValue& config, const std::string& where,
                      ConfigProblems& problems) {
  const auto object = detail::read_object(config);
  const std::string* name = std::get_if<std::string>(&config.variant());
  if (object && !object->function.empty()) name = &object->function;
  if constexpr (!std::is_same_v<T, Schedule>) {  // schedules have no names
    if (name) {
      try {
        return T(*name);
      } catch (const InvalidArgument& error) {
        problems.add(where, error.what());
        return std::nullopt;
      }
    }
  }
  if (!object) {
    problems.add(where, "expected a name or an object, got " + config.to_json().substr(0, 80));
    return std::nullopt;
  }
  return factory.make(*object, where + " (" + object->class_name + ")", problems);
}

}  // namespace

void register_loss(const std::string& package, const std::string& class_name, FromConfig<Loss> make) {
  loss_factory().add(package, class_name, make);
}
void register_metric(const std::string& package, const std::string& class_name, FromConfig<Metric> make) {
  metric_factory().add(package, class_name, make);
}
void register_optimizer(const std::string& package, const std::string& class_name, FromConfig<Optimizer> make) {
  optimizer_factory().add(package, class_name, make);
}
void register_schedule(const std::string& package, const std::string& class_name, FromConfig<Schedule> make) {
  schedule_factory().add(package, class_name, make);
}

std::optional<Loss> make_loss(const ConfigValue& config, const std::string& where, ConfigProblems& problems) {
  return make(loss_factory(), config, where, problems);
}
std::optional<Metric> make_metric(const ConfigValue& config, const std::string& where, ConfigProblems& problems) {
  return make(metric_factory(), config, where, problems);
}
std::optional<Optimizer> make_optimizer(const ConfigValue& config, const std::string& where, ConfigProblems& problems) {
  return make(optimizer_factory(), config, where, problems);
}
std::optional<Schedule> make_schedule(const ConfigValue& config, const std::string& where, ConfigProblems& problems) {
  return make(schedule_factory(), config, where, problems);
}

}  // namespace keratin
