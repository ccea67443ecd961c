// Losses, metrics, optimizers and schedules from their configurations, and classes of the user's made known to it.
#pragma once

#include <optional>
#include <string>

#include "keratin/core/model/registry.h"
#include "keratin/core/training/losses.h"
#include "keratin/core/training/metrics.h"
#include "keratin/core/training/optimizers.h"
#include "keratin/core/training/schedules.h"

namespace keratin {

// Classes of the user's; their config() must be Config(package, class_name).
// Throws InvalidArgument for an empty name and for names with '>'. Registering again replaces.
void register_loss(const std::string& package, const std::string& class_name, FromConfig<Loss> make);
void register_metric(const std::string& package, const std::string& class_name, FromConfig<Metric> make);
void register_optimizer(const std::string& package, const std::string& class_name, FromConfig<Optimizer> make);
void register_schedule(const std::string& package, const std::string& class_name, FromConfig<Schedule> make);

// What config() described: a name, or an object with its arguments. Empty, with problems noted that begin with
// `where`, when it cannot be made.
std::optional<Loss> make_loss(const ConfigValue& config, const std::string& where, ConfigProblems& problems);
std::optional<Metric> make_metric(const ConfigValue& config, const std::string& where, ConfigProblems& problems);
std::optional<Optimizer> make_optimizer(const ConfigValue& config, const std::string& where, ConfigProblems& problems);
std::optional<Schedule> make_schedule(const ConfigValue& config, const std::string& where, ConfigProblems& problems);

}  // namespace keratin
