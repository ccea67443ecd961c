// TraceContext: replays a graph of layer calls for one phase and known shapes, and collects what the layers ask for
// besides their outputs: losses, new values of variables, random numbers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/graph/node.h"

namespace keratin {

enum class Phase : std::uint8_t { train, evaluate, predict };

class LayerLog;

class TraceContext {
 public:
  // `random_step`: the int64 scalar variable random ops count by; `seed`: what layers without a seed of their own use.
  TraceContext(Phase phase, VariablePtr random_step, std::uint64_t seed);

  Phase phase() const { return phase_; }
  // Whether layers behave as in training; begins as phase() == Phase::train and may be overridden for a call.
  bool training() const { return training_; }
  void set_training(bool training) { training_ = training; }
  // The trace this thread is in; nullptr outside. While one is active, calling a layer expands it at once.
  static TraceContext* current();

  // A value that is fed when the program runs.
  Value input(std::string name, Spec spec);
  // `outputs` of the graph with `concrete` values in place of its `inputs`. The graph may be replayed several times
  // with other values (a shared model). Throws InvalidArgument when an output depends on another input.
  Values replay(std::span<const Value> inputs, std::span<const Value> concrete, std::span<const Value> outputs);
  // The values by ops alone. Throws InvalidArgument when they depend on an input outside a replay.
  Values lower(std::span<const Value> values);
  Value lower(const Value& value);
  // Expands one layer call; errors get the layer's name and class.
  Values call(const std::shared_ptr<Callable>& layer, std::span<const Value> inputs, const std::any& call_options);

  // The variable as of the updates so far: a second call of a shared layer sees the first one's.
  Value value_of(const VariablePtr& variable);
  // The variable's value from the next step on.
  void assign(const VariablePtr& variable, Value value);
  const std::vector<std::pair<VariablePtr, Value>>& assigned() const { return assigned_; }

  // The mask of a value, bool over its first axes, false where there is no data to look at; empty when it has none.
  // Layers give masks to what they return.
  Value mask_of(const Value& value) const;
  // An empty mask takes the value's away.
  void set_mask(const Value& value, Value mask);

  // The outputs of the layer calls so far, innermost first, with the layers' paths; for finding where a NaN begins.
  const std::vector<std::pair<std::string, Value>>& layer_outputs() const { return layer_outputs_; }

  // With KERATIN_DUMP=layers: prints the layer calls so far under this title, if there were any.
  void dump_layers(std::string_view title) const;

  // A scalar added to the loss of the model.
  void add_loss(Value loss) { losses_.push_back(std::move(loss)); }
  const Values& losses() const { return losses_; }

  // The number of the step, for random ops.
  Value random_step();
  // A stream id from the seed and the number of the request, or from the layer's own seed and the number of its
  // request: the same on every device and in all traces of one phase of models built alike.
  std::uint64_t random_stream(std::optional<std::uint64_t> layer_seed = {});
  bool uses_random() const { return uses_random_; }

 private:
  Phase phase_;
  bool training_;
  VariablePtr random_step_variable_;
  std::uint64_t seed_;
  bool uses_random_ = false;
  // What stands for the nodes of the graph being replayed, and the nodes known to be made of ops alone.
  using Memo = std::unordered_map<const Node*, Values>;
  void remember(const NodePtr& node, Values outputs);
  Memo memo_;
  std::unordered_set<const Node*> concrete_;
  std::vector<NodePtr> kept_;  // the keys of both must stay alive
  std::vector<std::pair<VariablePtr, Value>> assigned_;
  Values losses_;
  std::map<std::pair<const Node*, int>, Value> masks_;
  std::vector<std::pair<std::string, Value>> layer_outputs_;
  std::shared_ptr<LayerLog> layer_log_;                    // null unless asked for
  std::uint64_t requests_ = 0;                             // of random streams
  std::map<std::string, std::uint64_t> requests_on_path_;  // with a seed of the layer's own
};

// Makes a trace the current one while it lives.
class ActiveTrace {
 public:
  explicit ActiveTrace(TraceContext& context) : ActiveTrace(&context) {}
  // nullptr: no trace, so that layers called meanwhile build a graph.
  explicit ActiveTrace(TraceContext* context);
  ~ActiveTrace();
  ActiveTrace(const ActiveTrace&) = delete;
  ActiveTrace& operator=(const ActiveTrace&) = delete;

 private:
  TraceContext* previous_;
};

}  // namespace keratin
