#include "keratin/core/ops/loops.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops {
namespace {

void expect_state(std::string_view op, const Values& state) {
  if (state.empty()) throw InvalidArgument(std::string(op) + ": there must be at least one value of state");
}

}  // namespace

Values map(const LoopFunction& f, Values sequences) {
  return scan([&](const Values& in, const Values&) -> ScanStep { return {.carries = {}, .outputs = f(in)}; },
              std::move(sequences), {})
      .outputs;
}

Values fori_loop(std::int64_t lower, std::int64_t upper, const LoopFunction& body, Values state) {
  expect_state("fori_loop", state);
  if (upper <= lower) return state;
  const Value numbers = iota({upper - lower}, 0) + static_cast<double>(lower);
  const auto step = [&](const Values& in, const Values& carries) -> ScanStep {
    Values arguments = {in[0]};
    arguments.insert(arguments.end(), carries.begin(), carries.end());
    return {.carries = body(arguments), .outputs = {}};
  };
  return scan(step, {numbers}, std::move(state)).carries;
}

Values while_loop(const std::function<Value(const Values&)>& condition, const LoopFunction& body, Values state,
                  std::int64_t maximum_iterations) {
  expect_state("while_loop", state);
  if (maximum_iterations < 1) return state;
  const auto step = [&](const Values&, const Values& before) -> ScanStep {
    const Value go = condition(before);
    if (go.rank() != 0) {
      throw InvalidArgument("while_loop: the condition must be a scalar, got shape " + go.shape().to_string());
    }
    Values after = body(before);
    if (after.size() != before.size()) {
      throw InvalidArgument("while_loop: the body must return as many values as it gets, " +
                            std::to_string(before.size()) + ", got " + std::to_string(after.size()));
    }
    for (std::size_t i = 0; i < after.size(); ++i) after[i] = where(go, after[i], before[i]);
    return {.carries = after, .outputs = {}};
  };
  return scan(step, {iota({maximum_iterations}, 0)}, std::move(state)).carries;
}

Values cond(Value condition, const std::function<Values()>& yes, const std::function<Values()>& no) {
  Values result = yes();
  const Values other = no();
  if (result.size() != other.size()) {
    throw InvalidArgument("cond: both functions must return equally many values, got " + std::to_string(result.size()) +
                          " and " + std::to_string(other.size()));
  }
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = where(condition, result[i], other[i]);
  return result;
}

}  // namespace keratin::ops
