#include "keratin/core/compiler/trace.h"

#include "keratin/core/compiler/detail/dump.h"
#include "keratin/core/compiler/detail/layer_log.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"

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
    : phase_(phase),
      training_(phase == Phase::train),
      random_step_variable_(std::move(random_step)),
      seed_(seed),
      layer_log_(dump_wanted("layers") ? std::make_shared<LayerLog>() : nullptr) {}

TraceContext* TraceContext::current() { return current_trace; }

void TraceContext::remember(const NodePtr& node, Values outputs) {
  kept_.push_back(node);
  for (const Value& output : outputs) {
    if (concrete_.insert(output.node().get()).second) kept_.push_back(output.node());
  }
  if (!concrete_.contains(node.get())) memo_.insert_or_assign(node.get(), std::move(outputs));
}

Value TraceContext::input(std::string name, Spec spec) {
  Value value = input_value(std::move(name), std::move(spec));
  remember(value.node(), {value});
  return value;
}

Values TraceContext::replay(std::span<const Value> inputs, std::span<const Value> concrete,
                            std::span<const Value> outputs) {
  Memo outer = std::move(memo_);
  memo_ = {};
  for (std::size_t i = 0; i < inputs.size(); ++i) remember(inputs[i].node(), {concrete[i]});
  Values result;
  try {
    result = lower(outputs);
  } catch (...) {
    memo_ = std::move(outer);
    throw;
  }
  memo_ = std::move(outer);
  return result;
}

Value TraceContext::lower(const Value& value) { return lower(std::span<const Value>(&value, 1)).front(); }

Values TraceContext::lower(std::span<const Value> values) {
  const ActiveTrace active(*this);
  auto known = [&](const Node* node) { return concrete_.contains(node) || memo_.contains(node); };
  auto lowered = [&](const Value& value) {
    if (concrete_.contains(value.node().get())) return value;
    return memo_.at(value.node().get())[static_cast<std::size_t>(value.index())];
  };
  std::vector<std::pair<NodePtr, std::size_t>> stack;  // a node and how many of its inputs are done
  for (const Value& value : values) {
    if (!value) throw InvalidArgument("an empty Value was used; it is the result of no layer or op");
    if (!known(value.node().get())) stack.emplace_back(value.node(), 0);
    while (!stack.empty()) {
      auto& [node, done] = stack.back();
      if (done < node->inputs().size()) {
        const NodePtr& input = node->inputs()[done++].node();
        if (!known(input.get())) stack.emplace_back(input, 0);
        continue;
      }
      const NodePtr finished = node;
      stack.pop_back();
      if (known(finished.get())) continue;
      const ScopeOverride scope(finished->is_op() ? finished->scope() : ScopeGuard::current());
      Values inputs, outputs;
      bool changed = false;
      for (const Value& input : finished->inputs()) {
        inputs.push_back(lowered(input));
        changed = changed || inputs.back() != input;
      }
      if (!finished->is_op()) {
        outputs = call(finished->layer(), inputs, finished->attrs());
      } else if (finished->is(kInput)) {
        throw InvalidArgument("the value depends on Input '" + finished->attrs_as<InputAttrs>().name +
                              "', which was not given a value");
      } else if (changed) {
        outputs = apply(finished->op(), finished->attrs(), inputs);
      } else {
        for (std::size_t i = 0; i < finished->outputs().size(); ++i) {
          outputs.push_back(finished->output(static_cast<int>(i)));
        }
      }
      remember(finished, std::move(outputs));
    }
  }
  Values result;
  for (const Value& value : values) result.push_back(lowered(value));
  return result;
}

Values TraceContext::call(const std::shared_ptr<Callable>& layer, std::span<const Value> inputs,
                          const std::any& call_options) {
  const ActiveTrace active(*this);
  const ScopeGuard scope(layer->name());
  const std::size_t call = layer_log_ ? layer_log_->begin(*layer, inputs) : 0;
  try {
    // What `expand` returns may contain calls that were made before this trace: lower it too.
    const Values made = layer->expand(inputs, call_options, *this);
    Values outputs = lower(made);
    for (std::size_t i = 0; i < made.size(); ++i) {
      if (outputs[i] == made[i]) continue;
      if (const Value mask = mask_of(made[i])) set_mask(outputs[i], lower(mask));
    }
    for (const Value& output : outputs) layer_outputs_.emplace_back(ScopeGuard::current(), output);
    if (layer_log_) layer_log_->end(call, outputs);
    return outputs;
  } catch (const Error& error) {
    error.rethrow_in(layer->name() + " (" + layer->class_name() + ")");
    throw;  // never reached; g++ does not see that a virtual function does not return
  }
}

void TraceContext::dump_layers(std::string_view title) const {
  if (!layer_log_ || layer_log_->empty()) return;
  log(LogLevel::output, "layers of " + std::string(title) + "\n" + layer_log_->to_string());
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

Value TraceContext::mask_of(const Value& value) const {
  const auto found = masks_.find({value.node().get(), value.index()});
  return found == masks_.end() ? Value() : found->second;
}

void TraceContext::set_mask(const Value& value, Value mask) {
  if (!mask) {
    masks_.erase({value.node().get(), value.index()});
    return;
  }
  kept_.push_back(value.node());
  masks_.insert_or_assign({value.node().get(), value.index()}, std::move(mask));
}

Value TraceContext::random_step() {
  uses_random_ = true;
  return read(random_step_variable_);
}

std::uint64_t TraceContext::random_stream(std::optional<std::uint64_t> layer_seed) {
  // With a seed of its own a layer draws the same numbers wherever it stands. Otherwise the path does not count: names
  // are numbered per process, and a model that is made anew from the same seed draws the same numbers.
  const std::uint64_t request = layer_seed ? requests_on_path_[ScopeGuard::current()]++ : requests_++;
  return hash(layer_seed ? "seed" : "request", hash(std::to_string(request), layer_seed.value_or(seed_)));
}

ActiveTrace::ActiveTrace(TraceContext* context) : previous_(current_trace) { current_trace = context; }
ActiveTrace::~ActiveTrace() { current_trace = previous_; }

}  // namespace keratin
