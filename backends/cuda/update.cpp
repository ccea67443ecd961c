// Optimizer updates of all variables in one launch, or few.
#include "keratin/core/ops/update.h"

#include <vector>

#include "keratin/backends/cuda/device/update.h"
#include "keratin/backends/cuda/kernel.h"

namespace keratin::cuda {
namespace {

struct Variable {
  i64 size;
  double decay;
  bool wide;
};

// Inputs: `scalars` numbers, then the gradients. Outputs: the variables, then their slots.
KernelPtr update_kernel(const OpCall& call, const UpdateAttrs& attrs, std::size_t scalars, std::size_t slots,
                        Update kind, const char* name) {
  const std::size_t count = attrs.variables.size();
  if (!call.has(scalars + count, count * (1 + slots)) || attrs.decay.size() != count) return nullptr;
  for (std::size_t i = 0; i < scalars; ++i) {
    if (!is(call.in[i], {}, DType::float32)) return nullptr;
  }
  std::vector<Variable> variables;
  for (std::size_t i = 0; i < count; ++i) {
    const SpecView& variable = call.out[i];
    if (!is_floating(variable.dtype) || !same(call.in[scalars + i], variable)) return nullptr;
    for (std::size_t s = 1; s <= slots; ++s) {
      if (!same(call.out[s * count + i], variable)) return nullptr;
    }
    variables.push_back({variable.shape.size(), attrs.decay[i], variable.dtype == DType::float64});
  }
  const UpdateStep fixed{.kind = kind, .flag = attrs.flag, .a = attrs.a, .b = attrs.b, .epsilon = attrs.epsilon};
  return make_kernel(std::string(name) + " of " + std::to_string(count) + (count == 1 ? " variable" : " variables"),
                     [=, variables = std::move(variables)](const Launch& l) {
                       UpdateStep step = fixed;
                       step.learning_rate = static_cast<const float*>(l.in[0]);
                       step.alpha = kind == Update::adam ? static_cast<const float*>(l.in[1]) : nullptr;
                       UpdateBatch batch{};
                       for (std::size_t i = 0; i < count; ++i) {
                         const auto slot = [&](std::size_t s) {
                           return s < slots ? l.out[(1 + s) * count + i] : nullptr;
                         };
                         batch.add({.gradient = l.in[scalars + i],
                                    .variable = l.out[i],
                                    .slot = {slot(0), slot(1)},
                                    .size = variables[i].size,
                                    .decay = variables[i].decay,
                                    .wide = variables[i].wide});
                         if (batch.count < UpdateBatch::kMaxVariables && i + 1 < count) continue;
                         update(l.stream, step, batch);
                         batch.count = 0;
                       }
                     });
}

KernelPtr prepare_sgd(const OpCall& call) {
  const auto* attrs = call.attributes<UpdateAttrs>();
  return attrs ? update_kernel(call, *attrs, 1, attrs->a > 0 ? 1 : 0, Update::sgd, "sgd") : nullptr;
}
KernelPtr prepare_adam(const OpCall& call) {
  const auto* attrs = call.attributes<UpdateAttrs>();
  return attrs ? update_kernel(call, *attrs, 2, 2, Update::adam, "adam") : nullptr;
}
KernelPtr prepare_rmsprop(const OpCall& call) {
  const auto* attrs = call.attributes<UpdateAttrs>();
  return attrs ? update_kernel(call, *attrs, 1, attrs->b > 0 ? 2 : 1, Update::rmsprop, "rmsprop") : nullptr;
}

}  // namespace

void register_update(KernelTable& table) {
  table.add(kSgdUpdate.name, prepare_sgd);
  table.add(kAdamUpdate.name, prepare_adam);
  table.add(kRmspropUpdate.name, prepare_rmsprop);
}

}  // namespace keratin::cuda
