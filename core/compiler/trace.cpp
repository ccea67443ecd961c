#include "keratin/core/compiler/trace.h"

#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

thread_local TraceContext* current_trace = nullptr;

// FNV-1a over text, then the finaliser of SplitMix64 so that near seeds give unrelated streams.
std::uint64_t hash(std::string_view text, std::uint64_t seed) {
  std::uint64_t h = 0xCBF29CE484222325u ^ seed;
  for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9u;
  h = (h ^ (h >> 27)) * 0x94D049BB133111EBu;
  return h ^ (h >> 31);
}

}  // namespace

TraceContext::TraceContext(Phase phase, VariablePtr random_step, std::uint64_t seed)
    : phase_(phase), random_step_variable_(std::move(random_step)), seed_(seed) {}

TraceContext* TraceContext::current() { return current_trace; }

void TraceContext::bind(const Value& input, Value concrete) {
  lowered_[input.node().get()] = {std::move(concrete)};
  kept_.push_back(input.node());
}

Value TraceContext::lower(const Value& value) { return lower(std::span<const Value>(&value, 1)).front(); }

Values TraceContext::lower(std::span<const Value> values) {
  const ActiveTrace active(*this);
  // The walk stops at what is known, so that `call` on concrete values costs nothing for the graph behind them.
  std::vector<std::pair<NodePtr, std::size_t>> stack;
  for (const Value& value : values) {
    if (!value) throw InvalidArgument("an empty Value was used; it is the result of no layer or op");
    if (!lowered_.contains(value.node().get())) stack.emplace_back(value.node(), 0);
    while (!stack.empty()) {
      auto& [node, done] = stack.back();
      if (lowered_.contains(node.get())) {
        stack.pop_back();
        continue;
      }
      if (done < node->inputs().size()) {
        const NodePtr& input = node->inputs()[done++].node();
        if (!lowered_.contains(input.get())) stack.emplace_back(input, 0);
        continue;
      }
      const NodePtr finished = node;
      stack.pop_back();
      Values inputs, outputs;
      bool changed = false;
      for (const Value& input : finished->inputs()) {
        inputs.push_back(lowered_.at(input.node().get())[static_cast<std::size_t>(input.index())]);
        changed = changed || inputs.back() != input;
      }
      if (!finished->is_op()) {
        const ScopeOverride scope(finished->scope());
        outputs = call(finished->layer(), inputs, finished->attrs());
      } else if (finished->is(kInput)) {
        throw InvalidArgument("the value depends on Input '" + finished->attrs_as<InputAttrs>().name +
                              "', which was not given a value");
      } else if (changed) {
        const ScopeOverride scope(finished->scope());
        outputs = apply(finished->op(), finished->attrs(), inputs);
      } else {
        for (std::size_t i = 0; i < finished->outputs().size(); ++i)
          outputs.push_back(finished->output(static_cast<int>(i)));
      }
      lowered_.emplace(finished.get(), std::move(outputs));
      kept_.push_back(finished);
    }
  }
  Values result;
  for (const Value& value : values) {
    result.push_back(lowered_.at(value.node().get())[static_cast<std::size_t>(value.index())]);
  }
  return result;
}

Values TraceContext::call(const std::shared_ptr<Callable>& layer, std::span<const Value> inputs,
                          const std::any& call_options) {
  const ActiveTrace active(*this);
  const ScopeGuard scope(layer->name());
  try {
    // What `expand` returns may contain calls that were made before this trace: lower it too.
    return lower(layer->expand(inputs, call_options, *this));
  } catch (const Error& error) {
    error.rethrow_in(layer->name() + " (" + layer->class_name() + ")");
  }
}

Value TraceContext::value_of(const VariablePtr& variable) {
  for (const auto& [assigned, value] : assigned_) {
    if (assigned == variable) return value;
  }
  return read(variable);
}

void TraceContext::assign(const VariablePtr& variable, Value value) {
  for (auto& [assigned, latest] : assigned_) {
    if (assigned == variable) {
      latest = std::move(value);
      return;
    }
  }
  assigned_.emplace_back(variable, std::move(value));
}

Value TraceContext::random_step() {
  uses_random_ = true;
  return read(random_step_variable_);
}

std::uint64_t TraceContext::random_stream(std::optional<std::uint64_t> layer_seed) {
  const std::string& path = ScopeGuard::current();
  const std::uint64_t request = stream_requests_[path]++;
  // With a seed of its own a layer draws the same numbers wherever it stands.
  return hash(layer_seed ? "seed" : path, hash(std::to_string(request), layer_seed.value_or(seed_)));
}

ActiveTrace::ActiveTrace(TraceContext& context) : previous_(current_trace) { current_trace = &context; }
ActiveTrace::~ActiveTrace() { current_trace = previous_; }

}  // namespace keratin
