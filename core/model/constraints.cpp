#include "keratin/core/model/constraints.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

constexpr const char* kModule = "keras.constraints";
constexpr double kEpsilon = 1e-7;  // keras.config.epsilon(): keeps a zero weight from being divided by zero

Value norms(const Value& weight, int axis) { return ops::sqrt(ops::sum(ops::square(weight), {axis}, true)); }

Constraint by_name(const std::string& name) {
  if (name == "max_norm" || name == "MaxNorm") return constraints::MaxNorm();
  if (name == "non_neg" || name == "NonNeg") return constraints::NonNeg();
  if (name == "unit_norm" || name == "UnitNorm") return constraints::UnitNorm();
  if (name == "min_max_norm" || name == "MinMaxNorm") return constraints::MinMaxNorm();
  throw InvalidArgument("unknown constraint '" + name + "'" +
                        did_you_mean(name, {"max_norm", "non_neg", "unit_norm", "min_max_norm"}));
}

}  // namespace

Constraint::Constraint() = default;
Constraint::Constraint(const Constraint&) = default;
Constraint::Constraint(Constraint&&) noexcept = default;
Constraint& Constraint::operator=(const Constraint&) = default;
Constraint& Constraint::operator=(Constraint&&) noexcept = default;
Constraint::~Constraint() = default;

Constraint::Constraint(const char* name) : Constraint(by_name(name)) {}

namespace constraints {

Constraint MaxNorm(double max_value, int axis) {
  Config config(kModule, "MaxNorm");
  config.set("max_value", max_value).set("axis", axis);
  auto project = [max_value, axis](const Value& weight) {
    const Value norm = norms(weight, axis);
    return weight * (ops::minimum(norm, max_value) / (norm + kEpsilon));
  };
  return Constraint(project, std::move(config));
}

Constraint NonNeg() {
  return Constraint([](const Value& weight) { return ops::maximum(weight, 0.0); }, Config(kModule, "NonNeg"));
}

Constraint UnitNorm(int axis) {
  Config config(kModule, "UnitNorm");
  config.set("axis", axis);
  auto project = [axis](const Value& weight) { return weight / (norms(weight, axis) + kEpsilon); };
  return Constraint(project, std::move(config));
}

Constraint MinMaxNorm(double min_value, double max_value, double rate, int axis) {
  if (min_value > max_value) throw InvalidArgument("MinMaxNorm: min_value must not be above max_value");
  Config config(kModule, "MinMaxNorm");
  config.set("min_value", min_value).set("max_value", max_value).set("rate", rate).set("axis", axis);
  auto project = [=](const Value& weight) {
    const Value norm = norms(weight, axis);
    const Value wanted = ops::clip(norm, min_value, max_value) * rate + norm * (1 - rate);
    return weight * (wanted / (norm + kEpsilon));
  };
  return Constraint(project, std::move(config));
}

}  // namespace constraints

}  // namespace keratin
