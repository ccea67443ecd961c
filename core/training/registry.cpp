#include "keratin/core/training/registry.h"
#include "keratin/core/model/config_variant.h"

#include "keratin/core/model/detail/factory.h"
#include "keratin/core/training/detail/standard.h"

namespace keratin {
namespace {

using detail::Factory;
using detail::ObjectConfig;

Factory<Loss>& loss_factory() {
  static auto* factory = new Factory<Loss>("loss", detail::standard_losses());
  return *factory;
}
Factory<Metric>& metric_factory() {
  static auto* factory = new Factory<Metric>("metric", detail::standard_metrics());
  return *factory;
}
Factory<Optimizer>& optimizer_factory() {
  static auto* factory = new Factory<Optimizer>("optimizer", detail::standard_optimizers());
  return *factory;
}
Factory<Schedule>& schedule_factory() {
  static auto* factory = new Factory<Schedule>("schedule", detail::standard_schedules());
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
