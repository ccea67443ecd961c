// Orders the steps of a program and gives every value its place in memory.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/fused_elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

std::int64_t aligned(std::int64_t bytes) { return (bytes + kSlotAlignment - 1) / kSlotAlignment * kSlotAlignment; }

// A piece of scratch memory from the step that writes it first to the step that reads it last.
struct Buffer {
  std::int64_t bytes = 0;
  int first = 0, last = 0;
  std::int64_t offset = 0;
  int output = -1;  // the output slot that it is instead
};

class Placer {
 public:
  Placer(const Program& program, PlaceOptions options) : program_(program), options_(options) {
    plan_.name = program.name;
  }

  Plan run() {
    place_leaves();
    order();
    for (std::size_t i = 0; i < ordered_.size(); ++i) add_step(*ordered_[i], static_cast<int>(i));
    add_outputs();
    share_buffers();
    plan_.scratch_bytes = place_buffers();
    for (std::size_t i = 0; i < plan_.slots.size(); ++i) {
      if (buffer_of_slot_[i] < 0) continue;
      const Buffer& buffer = buffers_[static_cast<std::size_t>(buffer_of_slot_[i])];
      plan_.slots[i].offset = buffer.offset;
      if (buffer.output >= 0) {
        plan_.slots[i].region = Region::feed;
        plan_.slots[i].offset = plan_.slots[static_cast<std::size_t>(buffer.output)].offset;
      }
    }
    std::unordered_set<int> gradient_buffers;
    for (const Value& gradient : program_.gradients) {
      auto found = slots_.find(gradient.node().get());
      if (found == slots_.end()) continue;
      const int buffer =
          buffer_of_slot_[static_cast<std::size_t>(found->second[static_cast<std::size_t>(gradient.index())])];
      if (buffer >= 0 && gradient_buffers.insert(buffer).second) {
        plan_.gradient_bytes += buffers_[static_cast<std::size_t>(buffer)].bytes;
      }
    }
    return std::move(plan_);
  }

 private:
  int add_slot(const Spec& spec, Region region, std::int64_t offset, int buffer = -1) {
    plan_.slots.push_back({spec.shape, spec.dtype, region, offset});
    buffer_of_slot_.push_back(buffer);
    return static_cast<int>(plan_.slots.size()) - 1;
  }
  int add_feed_slot(const Spec& spec) {
    const int slot = add_slot(spec, Region::feed, plan_.feed_bytes);
    plan_.feed_bytes += aligned(plan_.slots.back().bytes());
    return slot;
  }
  int add_scratch_slot(const Spec& spec, int step) {
    const int slot = add_slot(spec, Region::scratch, 0, static_cast<int>(buffers_.size()));
    buffers_.push_back({aligned(plan_.slots.back().bytes()), step, step, 0});
    return slot;
  }
  int slot_of(const Value& value) const {
    return slots_.at(value.node().get())[static_cast<std::size_t>(value.index())];
  }
  int state_slot(const VariablePtr& variable) {
    auto found = state_slots_.find(variable.get());
    if (found != state_slots_.end()) return found->second;
    const int slot = add_slot({variable->shape(), variable->dtype()}, Region::state,
                              static_cast<std::int64_t>(plan_.variables.size()));
    plan_.variables.push_back(variable);
    plan_.variable_written.push_back(false);
    state_slots_.emplace(variable.get(), slot);
    return slot;
  }

  void place_leaves() {
    for (const Value& input : program_.inputs) {
      const int slot = add_feed_slot(input.spec());
      slots_[input.node().get()] = {slot};
      plan_.inputs.push_back(slot);
    }
  }

  // Inputs before users; writes after all other steps, so that every read sees the value of the step's start.
  void order() {
    std::vector<NodePtr> writes;
    for (const NodePtr& node : topological_order(program_.roots())) {
      if (node->op().effect == Effect::writes) {
        writes.push_back(node);
      } else {
        ordered_.push_back(node);
      }
    }
    ordered_.insert(ordered_.end(), writes.begin(), writes.end());
  }

  void add_step(const Node& node, int position) {
    if (node.is(kInput)) {
      if (!slots_.contains(&node)) {
        throw InvalidArgument("program '" + program_.name + "' uses Input '" + node.attrs_as<InputAttrs>().name +
                              "', which is not among its inputs");
      }
      return;
    }
    if (node.is(kConstant)) {
      const int slot = add_feed_slot(node.outputs()[0]);
      plan_.constants.push_back({slot, node.attrs_as<ConstantAttrs>().value});
      slots_[&node] = {slot};
      return;
    }
    if (node.is(kRead)) {
      slots_[&node] = {state_slot(node.attrs_as<ReadAttrs>().variable)};
      return;
    }
    std::vector<int> inputs;
    for (const Value& input : node.inputs()) inputs.push_back(slot_of(input));
    if (node.is(kReshape)) {
      // The same memory under another shape.
      const std::size_t source = static_cast<std::size_t>(inputs[0]);
      const Slot s = plan_.slots[source];
      slots_[&node] = {add_slot(node.outputs()[0], s.region, s.offset, buffer_of_slot_[source])};
      return;
    }
    std::vector<int> outputs;
    if (node.op().effect == Effect::writes) {
      for (int& input : inputs) input = unwritten(input, position);
      for (const VariablePtr& variable : node.op().written(node.attrs())) {
        outputs.push_back(state_slot(variable));
        const auto index = static_cast<std::size_t>(plan_.slots[static_cast<std::size_t>(outputs.back())].offset);
        plan_.variable_written[index] = true;
      }
    } else {
      for (const Spec& spec : node.outputs()) outputs.push_back(add_scratch_slot(spec, position));
    }
    for (int input : inputs) use(input, position);
    slots_[&node] = outputs;
    emit(node.op(), node.attrs(), std::move(inputs), std::move(outputs), node.scope(), position);
  }

  // A write whose input is itself a variable that a write changes gets a copy from before all writes; also when it is
  // this write, which may change several variables in any order.
  int unwritten(int slot, int position) {
    const Slot s = plan_.slots[static_cast<std::size_t>(slot)];
    if (s.region != Region::state) return slot;
    const VariablePtr& variable = plan_.variables[static_cast<std::size_t>(s.offset)];
    for (const NodePtr& update : program_.updates) {
      const std::vector<VariablePtr> written = update->op().written(update->attrs());
      if (std::find(written.begin(), written.end(), variable) == written.end()) continue;
      const int first_write = first_write_position();
      const int copy = add_scratch_slot({s.shape, s.dtype}, first_write);
      use(copy, position);
      early_copies_.push_back({slot, copy});
      return copy;
    }
    return slot;
  }
  int first_write_position() const {
    for (std::size_t i = 0; i < ordered_.size(); ++i) {
      if (ordered_[i]->op().effect == Effect::writes) return static_cast<int>(i);
    }
    return static_cast<int>(ordered_.size());
  }

  void use(int slot, int position) {
    const int buffer = buffer_of_slot_[static_cast<std::size_t>(slot)];
    if (buffer >= 0) {
      int& last = buffers_[static_cast<std::size_t>(buffer)].last;
      last = std::max(last, position);
    }
  }

  void emit(const OpDef& op, const std::any& attrs, std::vector<int> inputs, std::vector<int> outputs,
            const std::string& scope, int position) {
    const std::string text = op.describe ? op.describe(attrs) : "";
    // Update ops describe variables by address; their names are in the slots already.
    const bool plain = op.effect != Effect::writes && !text.empty();
    Step step{op.name,
              attrs,
              std::move(inputs),
              std::move(outputs),
              scope,
              std::string(op.name) + (plain ? "(" + text + ")" : "")};
    if (op.effect == Effect::writes) {
      writes_.push_back(std::move(step));
    } else {
      positions_.push_back(position);
      in_place_.push_back(op.in_place);
      plan_.steps.push_back(std::move(step));
    }
  }

  // The slot of an output that the step which computes it writes to; -1 when it must be copied there.
  int direct_output(const Value& output, int slot) {
    const int index = buffer_of_slot_[static_cast<std::size_t>(slot)];
    if (!options_.direct_outputs || index < 0) return -1;
    const int known = buffers_[static_cast<std::size_t>(index)].output;
    if (known >= 0 && plan_.slots[static_cast<std::size_t>(known)].shape != output.shape()) return -1;
    const int target = known >= 0 ? known : add_feed_slot(output.spec());
    buffers_[static_cast<std::size_t>(index)].output = target;
    return target;
  }

  // Outputs are copied to the feed region, except where the step that computes one may write there directly.
  void add_outputs() {
    const int end = static_cast<int>(ordered_.size());
    for (const Value& output : program_.outputs) {
      const int slot = slot_of(output), direct = direct_output(output, slot);
      const int target = direct >= 0 ? direct : add_feed_slot(output.spec());
      plan_.outputs.push_back(target);
      use(slot, end);
      if (direct >= 0) continue;
      plan_.steps.push_back({kStopGradient.name, {}, {slot}, {target}, "", "copy to output"});
      positions_.push_back(end);
      in_place_.push_back(false);
    }
    for (const auto& [from, to] : early_copies_) {
      plan_.steps.push_back({kStopGradient.name, {}, {from}, {to}, "", "copy of a variable before it is written"});
      positions_.push_back(end);
      in_place_.push_back(false);
    }
    // Writes come last, after the copies above have read the old values; their buffers live until the end.
    for (Step& step : writes_) {
      for (int input : step.inputs) use(input, end);
      plan_.steps.push_back(std::move(step));
    }
  }

  // An element-wise step whose operand is not needed afterwards computes in the operand's memory: of most ops it is the
  // first operand, several ops at once take any.
  void share_buffers() {
    std::vector<int> owner(buffers_.size());
    for (std::size_t i = 0; i < owner.size(); ++i) owner[i] = static_cast<int>(i);
    for (std::size_t i = 0; i < positions_.size(); ++i) {
      const Step& step = plan_.steps[i];
      if (!in_place_[i] || step.inputs.empty()) continue;
      const auto* fused = std::any_cast<FusedElementwiseAttrs>(&step.attrs);
      for (std::size_t output = 0; output < step.outputs.size(); ++output) {
        for (std::size_t k = 0; k < (fused ? step.inputs.size() : 1); ++k) {
          if (fused && !may_share_memory(*fused, k, output)) continue;
          if (share(step, k, step.outputs[output], positions_[i], owner)) break;
        }
      }
    }
    for (int& buffer : buffer_of_slot_) {
      if (buffer >= 0) buffer = owner[static_cast<std::size_t>(buffer)];
    }
  }

  // Whether the step's output takes over the memory of operand `k`.
  bool share(const Step& step, std::size_t k, int output, int position, std::vector<int>& owner) {
    const int from = buffer_of_slot_[static_cast<std::size_t>(step.inputs[k])];
    const int to = buffer_of_slot_[static_cast<std::size_t>(output)];
    if (from < 0 || to < 0) return false;
    // A broadcast operand is read again after its first element was overwritten.
    const Slot& operand = plan_.slots[static_cast<std::size_t>(step.inputs[k])];
    const Slot& result = plan_.slots[static_cast<std::size_t>(output)];
    if (operand.shape != result.shape || size_of(operand.dtype) != size_of(result.dtype)) return false;
    const int source = owner[static_cast<std::size_t>(from)];
    Buffer& a = buffers_[static_cast<std::size_t>(source)];
    const Buffer& b = buffers_[static_cast<std::size_t>(to)];
    // Another result of the step may have taken it, which lives on.
    if (a.last != position || a.bytes != b.bytes || b.last < position) return false;
    for (const int other : step.outputs) {
      if (other != output &&
          owner[static_cast<std::size_t>(buffer_of_slot_[static_cast<std::size_t>(other)])] == source) {
        return false;
      }
    }
    // Another operand in the same memory, seen through another shape, would be overwritten while it is read.
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      const int other = buffer_of_slot_[static_cast<std::size_t>(step.inputs[i])];
      if (i != k && other >= 0 && owner[static_cast<std::size_t>(other)] == source) return false;
    }
    a.last = b.last;
    a.output = b.output;
    owner[static_cast<std::size_t>(to)] = source;
    buffers_[static_cast<std::size_t>(to)].bytes = 0;
    return true;
  }

  // Largest first, each into the tightest gap among the buffers that live at the same time.
  std::int64_t place_buffers() {
    std::vector<Buffer*> by_size;
    for (Buffer& buffer : buffers_) {
      if (buffer.bytes == 0 || buffer.output >= 0) continue;
      if (buffer.bytes <= options_.unshared_bytes) buffer.first = 0, buffer.last = static_cast<int>(ordered_.size());
      by_size.push_back(&buffer);
    }
    std::stable_sort(by_size.begin(), by_size.end(),
                     [](const Buffer* a, const Buffer* b) { return a->bytes > b->bytes; });
    std::int64_t total = 0;
    std::vector<Buffer*> placed;  // ordered by offset
    for (Buffer* buffer : by_size) {
      std::int64_t best = -1, best_gap = 0, end = 0;
      for (const Buffer* other : placed) {
        if (other->last < buffer->first || other->first > buffer->last) continue;
        const std::int64_t gap = other->offset - end;
        if (gap >= buffer->bytes && (best < 0 || gap < best_gap)) {
          best = end;
          best_gap = gap;
        }
        end = std::max(end, other->offset + other->bytes);
      }
      buffer->offset = best >= 0 ? best : end;
      total = std::max(total, buffer->offset + buffer->bytes);
      placed.insert(std::upper_bound(placed.begin(), placed.end(), buffer,
                                     [](const Buffer* a, const Buffer* b) { return a->offset < b->offset; }),
                    buffer);
    }
    return total;
  }

  const Program& program_;
  PlaceOptions options_;
  Plan plan_;
  std::vector<NodePtr> ordered_;
  std::unordered_map<const Node*, std::vector<int>> slots_;
  std::unordered_map<const VariableState*, int> state_slots_;
  std::vector<int> buffer_of_slot_;  // -1: not in scratch
  std::vector<Buffer> buffers_;
  std::vector<Step> writes_;
  std::vector<std::pair<int, int>> early_copies_;  // slot of a variable, slot of its copy
  std::vector<int> positions_;                     // of the plan's steps, for lifetimes
  std::vector<bool> in_place_;
};

}  // namespace

Plan place(const Program& program, PlaceOptions options) { return Placer(program, options).run(); }

}  // namespace keratin
