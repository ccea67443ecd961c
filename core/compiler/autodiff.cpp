#include "keratin/core/compiler/autodiff.h"

#include <algorithm>
#include <unordered_map>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/detail/pull_back.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {

Values gradients(const Value& loss, std::span<const Value> targets) {
  if (loss.rank() != 0 || !is_floating(loss.dtype())) {
    throw InvalidArgument("gradients: the loss must be a floating scalar, got " + loss.spec().to_string());
  }
  const Value one = constant(Tensor::full(Shape{}, 1.0, loss.dtype()));
  return pull_back(std::span<const Value>(&loss, 1), std::span<const Value>(&one, 1), targets);
}

Values gradients(const Value& loss, std::span<const VariablePtr> variables) {
  std::unordered_map<const VariableState*, Values> reads;
  Values targets;
  for (const VariablePtr& variable : variables) reads[variable.get()];
  for (const NodePtr& node : topological_order(std::span<const Value>(&loss, 1))) {
    if (!node->is(kRead)) continue;
    auto found = reads.find(node->attrs_as<ReadAttrs>().variable.get());
    if (found == reads.end()) continue;
    found->second.push_back(node->output());
    targets.push_back(node->output());
  }
  const Values parts = gradients(loss, targets);
  Values result;
  for (const VariablePtr& variable : variables) {
    Value sum;
    for (const Value& read : reads.at(variable.get())) {
      const auto at = static_cast<std::size_t>(std::find(targets.begin(), targets.end(), read) - targets.begin());
      if (parts[at]) sum = sum ? ops::add(sum, parts[at]) : parts[at];
    }
    result.push_back(sum);
  }
  return result;
}

}  // namespace keratin
