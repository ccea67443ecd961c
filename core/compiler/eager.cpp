#include "keratin/core/compiler/eager.h"

#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/compiler/trace.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/runtime/plan_instance.h"

namespace keratin {
namespace {

// Enough for an interactive program; each entry holds one plan's memory.
constexpr std::size_t kCachedPlans = 32;

struct Cached {
  std::string key;
  std::unique_ptr<PlanInstance> instance;
};
struct Cache {
  std::mutex mutex;
  std::list<Cached> recent;  // most recently used first
  VariablePtr random_step = std::make_shared<VariableState>("eager/random_step", Shape{}, DType::int64,
                                                            [] { return Tensor::scalar<std::int64_t>(0); });
};
Cache& cache() {
  static Cache* instance = new Cache;  // never destroyed: backends may be used while the program ends
  return *instance;
}

// A program whose constants have become inputs, and their values.
struct Fed {
  Program program;
  std::vector<Tensor> values;
};

Fed feed_constants(const Program& program) {
  Fed fed;
  Values inputs;
  fed.program = rewrite(program, [&](const NodePtr& node, const Values&) -> Values {
    if (!node->is(kConstant) || node->attrs_as<ConstantAttrs>().weak) return {};
    const Tensor& value = node->attrs_as<ConstantAttrs>().value;
    // Named by position: equal graphs get equal keys.
    const Value input = input_value("constant" + std::to_string(inputs.size()), {value.shape(), value.dtype()});
    inputs.push_back(input);
    fed.values.push_back(value);
    return {input};
  });
  fed.program.inputs = std::move(inputs);
  return fed;
}

}  // namespace

std::vector<Tensor> evaluate(std::span<const Value> values) {
  Cache& c = cache();
  std::lock_guard lock(c.mutex);
  const std::shared_ptr<Backend> backend = current_device();
  TraceContext trace(Phase::predict, c.random_step, 0);
  const Program traced{.name = "eager", .inputs = {}, .outputs = trace.lower(values), .updates = {}, .gradients = {}};
  Fed fed = feed_constants(traced);
  const CompileOptions options = compile_options();
  const std::string key = backend->info().name + " " + std::to_string(static_cast<int>(options.precision)) +
                          (options.deterministic ? "d " : " ") + fed.program.to_string();
  auto found = std::find_if(c.recent.begin(), c.recent.end(), [&](const Cached& entry) { return entry.key == key; });
  if (found == c.recent.end()) {
    trace.dump_layers(traced.name);
    auto instance =
        std::make_unique<PlanInstance>(compile(fed.program, *backend), options, std::make_shared<Arena>(backend));
    instance->allocate();
    c.recent.push_front({key, std::move(instance)});
    if (c.recent.size() > kCachedPlans) c.recent.pop_back();
  } else {
    c.recent.splice(c.recent.begin(), c.recent, found);
  }
  PlanInstance& instance = *c.recent.front().instance;
  for (std::size_t i = 0; i < fed.values.size(); ++i) instance.write_input(static_cast<int>(i), fed.values[i]);
  if (trace.uses_random())
    c.random_step->set_value(Tensor::scalar(1 + static_cast<std::int64_t>(c.random_step->value().item())));
  instance.run();
  std::vector<Tensor> results;
  for (std::size_t i = 0; i < values.size(); ++i) results.push_back(instance.read_output(static_cast<int>(i)));
  return results;
}

Tensor Value::tensor() const {
  // A constant is its own value: no device is asked.
  if (node_ && node_->is(kConstant)) return node_->attrs_as<ConstantAttrs>().value;
  return evaluate(std::span<const Value>(this, 1)).front();
}

}  // namespace keratin
