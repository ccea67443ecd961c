#include "keratin/core/ops/update.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;
using Inputs = std::span<const Value>;

std::string describe(const std::any& attrs) {
  const auto& a = as<UpdateAttrs>(attrs);
  std::string result = "a " + format_number(a.a) + ", b " + format_number(a.b) + ", epsilon " +
                       format_number(a.epsilon) + (a.flag ? ", flag" : "");
  const auto list = [&](std::string_view what, const std::vector<VariablePtr>& variables) {
    result += std::string("; ") + std::string(what);
    for (const VariablePtr& variable : variables) {
      result += " " + variable->path() + "@" + std::to_string(reinterpret_cast<std::uintptr_t>(variable.get()));
    }
  };
  list("variables", a.variables);
  list("slots", a.slots);
  result += "; decay";
  for (double decay : a.decay) result += " " + format_number(decay);
  return result;
}

std::vector<VariablePtr> written(const std::any& attrs) {
  const auto& a = as<UpdateAttrs>(attrs);
  std::vector<VariablePtr> result = a.variables;
  result.insert(result.end(), a.slots.begin(), a.slots.end());
  return result;
}

Spec spec_of(const VariablePtr& variable) { return {variable->shape(), variable->dtype()}; }

// Inputs: `scalars` numbers, then the gradients. Outputs: the variables, then their slots.
std::vector<Spec> infer(const std::any& attrs, std::span<const Spec> inputs, std::size_t scalars,
                        std::size_t slots_of_each) {
  const auto& a = as<UpdateAttrs>(attrs);
  const std::size_t count = a.variables.size();
  if (count == 0) throw InvalidArgument("there are no variables to update");
  expect_inputs(inputs, scalars + count);
  if (a.slots.size() != slots_of_each * count || a.decay.size() != count) {
    throw InvalidArgument("expected " + std::to_string(slots_of_each) + " slots and one weight decay for each of " +
                          std::to_string(count) + " variables, got " + std::to_string(a.slots.size()) + " slots and " +
                          std::to_string(a.decay.size()) + " decays");
  }
  for (std::size_t i = 0; i < scalars; ++i) {
    if (inputs[i] != Spec{{}, DType::float32}) {
      throw InvalidArgument("scalar " + std::to_string(i) + " must be float32 (), got " + inputs[i].to_string());
    }
  }
  std::vector<Spec> result;
  const auto expect_like = [&](const VariablePtr& variable, const Spec& spec, std::string_view what) {
    if (spec == spec_of(variable)) return;
    throw InvalidArgument(std::string(what) + " of variable " + variable->path() + " must be " +
                          spec_of(variable).to_string() + ", got " + spec.to_string());
  };
  for (std::size_t i = 0; i < count; ++i) {
    expect_floating(spec_of(a.variables[i]), "variable " + a.variables[i]->path());
    expect_like(a.variables[i], inputs[scalars + i], "the gradient");
    result.push_back(spec_of(a.variables[i]));
  }
  for (std::size_t i = 0; i < a.slots.size(); ++i) {
    expect_like(a.variables[i % count], spec_of(a.slots[i]), "a slot");
    result.push_back(spec_of(a.slots[i]));
  }
  return result;
}

// The new values of one variable and of its slots.
struct Updated {
  Value variable;
  Values slots;
};

// Calls `step(w, g, slots)` with the old values for each variable and writes what it returns.
template <class StepFunction>
Values update_each(const UpdateAttrs& a, Inputs inputs, std::size_t scalars, StepFunction step) {
  const std::size_t count = a.variables.size(), slots_of_each = a.slots.size() / count;
  Values result(count + a.slots.size());
  for (std::size_t i = 0; i < count; ++i) {
    Value w = read(a.variables[i]);
    if (a.decay[i] != 0) w = w - w * (ops::cast(inputs[0], w.dtype()) * a.decay[i]);
    Values slots;
    for (std::size_t s = 0; s < slots_of_each; ++s) slots.push_back(read(a.slots[s * count + i]));
    const Updated updated = step(w, inputs[scalars + i], slots);
    result[i] = assign(a.variables[i], updated.variable)->output();
    for (std::size_t s = 0; s < slots_of_each; ++s) {
      const std::size_t slot = s * count + i;
      result[count + slot] = assign(a.slots[slot], updated.slots[s])->output();
    }
  }
  return result;
}

Values decompose_sgd(const Node& node, Inputs inputs) {
  const auto& a = node.attrs_as<UpdateAttrs>();
  return update_each(a, inputs, 1, [&](const Value& w, const Value& g, const Values& slots) -> Updated {
    const Value step = g * ops::cast(inputs[0], g.dtype());
    if (slots.empty()) return {w - step, {}};
    const Value m = slots[0] * a.a - step;
    return {a.flag ? w + (m * a.a - step) : w + m, {m}};
  });
}

Values decompose_adam(const Node& node, Inputs inputs) {
  const auto& a = node.attrs_as<UpdateAttrs>();
  return update_each(a, inputs, 2, [&](const Value& w, const Value& g, const Values& slots) -> Updated {
    const Value m = slots[0] + (g - slots[0]) * (1 - a.a);
    const Value v = slots[1] + (ops::square(g) - slots[1]) * (1 - a.b);
    return {w - m * ops::cast(inputs[1], w.dtype()) / (ops::sqrt(v) + a.epsilon), {m, v}};
  });
}

Values decompose_rmsprop(const Node& node, Inputs inputs) {
  const auto& a = node.attrs_as<UpdateAttrs>();
  return update_each(a, inputs, 1, [&](const Value& w, const Value& g, const Values& slots) -> Updated {
    const Value v = slots[0] * a.a + ops::square(g) * (1 - a.a);
    const Value step = g * ops::cast(inputs[0], g.dtype()) / ops::sqrt(v + a.epsilon);
    if (slots.size() == 1) return {w - step, {v}};
    const Value m = slots[1] * a.b + step;
    return {w - m, {v, m}};
  });
}

std::vector<Spec> infer_sgd(const std::any& attrs, std::span<const Spec> inputs) {
  return infer(attrs, inputs, 1, as<UpdateAttrs>(attrs).a > 0 ? 1 : 0);
}
std::vector<Spec> infer_adam(const std::any& attrs, std::span<const Spec> inputs) { return infer(attrs, inputs, 2, 2); }
std::vector<Spec> infer_rmsprop(const std::any& attrs, std::span<const Spec> inputs) {
  return infer(attrs, inputs, 1, as<UpdateAttrs>(attrs).b > 0 ? 2 : 1);
}

constexpr OpDef update(std::string_view name, std::vector<Spec> (*infer)(const std::any&, std::span<const Spec>),
                       Values (*decompose)(const Node&, Inputs)) {
  return {.name = name,
          .describe = describe,
          .infer = infer,
          .decompose = decompose,
          .effect = Effect::writes,
          .written = written};
}

}  // namespace

constinit const OpDef kSgdUpdate = update("sgd_update", infer_sgd, decompose_sgd);
constinit const OpDef kAdamUpdate = update("adam_update", infer_adam, decompose_adam);
constinit const OpDef kRmspropUpdate = update("rmsprop_update", infer_rmsprop, decompose_rmsprop);

NodePtr ops::apply_update(const OpDef& update, UpdateAttrs attrs, Values scalars, Values gradients) {
  Values inputs = std::move(scalars);
  for (Value& input : inputs) input = ops::cast(input, DType::float32);
  inputs.insert(inputs.end(), gradients.begin(), gradients.end());
  return apply(update, std::move(attrs), std::move(inputs)).front().node();
}

}  // namespace keratin
