// Constraints (keras.constraints): what weights are projected to after each update.
#pragma once

#include <functional>
#include <string>

#include "keratin/core/graph/value.h"
#include "keratin/core/model/config.h"

namespace keratin {

// None by default; by name ("non_neg", "max_norm", "unit_norm"), from constraints::, or a function of a Value.
class Constraint {
 public:
  using Project = std::function<Value(const Value& weight)>;

  Constraint();
  // Not inline: copied wherever users write a model.
  Constraint(const Constraint&);
  Constraint(Constraint&&) noexcept;
  Constraint& operator=(const Constraint&);
  Constraint& operator=(Constraint&&) noexcept;
  ~Constraint();
  // Throws InvalidArgument for an unknown name, with a suggestion.
  Constraint(const char* name);  // NOLINT(google-explicit-constructor)
  Constraint(Project project, Config config) : project_(std::move(project)), config_(std::move(config)) {}

  explicit operator bool() const { return static_cast<bool>(project_); }
  Value operator()(const Value& weight) const { return project_(weight); }
  ConfigValue config() const { return project_ ? ConfigValue(config_) : ConfigValue(); }

 private:
  Project project_;
  Config config_;
};

namespace constraints {
Constraint MaxNorm(double max_value = 2, int axis = 0);
Constraint NonNeg();
Constraint UnitNorm(int axis = 0);
Constraint MinMaxNorm(double min_value = 0.0, double max_value = 1.0, double rate = 1.0, int axis = 0);
}  // namespace constraints

}  // namespace keratin
