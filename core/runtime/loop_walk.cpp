#include "keratin/core/runtime/detail/loop_walk.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace keratin {
namespace {

std::size_t aligned(std::size_t bytes) {
  const auto alignment = static_cast<std::size_t>(kSlotAlignment);
  return (bytes + alignment - 1) / alignment * alignment;
}

}  // namespace

std::optional<LoopWalk> LoopWalk::make(const Plan& body, const LoopShape& shape) {
  if (!body.variables.empty() || !body.constants.empty() || shape.length < 1) return {};
  LoopWalk walk;
  const auto carries = static_cast<std::size_t>(shape.carries);
  walk.sequences_ = static_cast<std::size_t>(shape.sequences);
  walk.inputs_ = body.inputs.size();
  walk.places_ = body.inputs.size() + body.outputs.size();
  walk.length_ = shape.length;
  walk.reverse_ = shape.reverse;
  if (walk.sequences_ + carries > walk.inputs_ || carries > body.outputs.size()) return {};
  std::vector<int> slots = body.inputs;
  slots.insert(slots.end(), body.outputs.begin(), body.outputs.end());
  const auto slot_at = [&](std::size_t place) -> const Slot& {
    return body.slots[static_cast<std::size_t>(slots[place])];
  };
  for (std::size_t place = 0; place < slots.size(); ++place) {
    walk.bytes_.push_back(static_cast<std::size_t>(slot_at(place).bytes()));
    if (walk.bytes_.back() == 0) return {};  // such places have no offset of their own
  }
  walk.carries_.resize(carries);
  std::map<std::int64_t, std::size_t> place_of;  // by the offset in the body's feed region
  for (std::size_t place = slots.size(); place-- > 0;) {
    // Of the places of one value that which is collected is computed; it comes after the carries.
    const auto [found, first] = place_of.emplace(slot_at(place).offset, place);
    if (first) continue;
    const std::size_t computed = found->second, carry = place - walk.inputs_;
    const bool is_carry = place >= walk.inputs_ && carry < carries;
    if (is_carry && computed >= walk.inputs_ + carries) {
      walk.carries_[carry].collected = computed;
    } else {
      walk.twins_.push_back({computed, place});
    }
  }
  for (const Step& step : body.steps) {
    walk.steps_.push_back({walk.operands_.size(), step.inputs.size(), true});
    for (const std::vector<int>& group : {step.inputs, step.outputs}) {
      for (int slot : group) {
        const Slot& s = body.slots[static_cast<std::size_t>(slot)];
        Operand operand;
        if (s.region == Region::feed) {
          operand.place = place_of.at(s.offset);
        } else {
          operand.offset = s.offset;
        }
        walk.operands_.push_back(operand);
      }
    }
  }
  if (shape.few_copies) walk.find_collected_before(body);
  walk.memory_bytes_ = aligned(static_cast<std::size_t>(body.scratch_bytes));
  for (std::size_t i = 0; i < carries; ++i) {
    walk.carries_[i].buffer = walk.memory_bytes_;
    if (!walk.carries_[i].collected && !walk.carries_[i].before)
      walk.memory_bytes_ += aligned(walk.bytes_[walk.inputs_ + i]);
  }
  return walk;
}

std::optional<std::size_t> LoopWalk::constant_input(std::size_t body_step, std::size_t input) const {
  const Operand& operand = operands_[steps_[body_step].first + input];
  if (!operand.place || *operand.place < sequences_ + carries_.size() || *operand.place >= inputs_) return {};
  return operand.place;
}

std::size_t LoopWalk::own(std::size_t body_step, std::size_t input, std::size_t bytes) {
  const std::size_t offset = memory_bytes_;
  memory_bytes_ += aligned(bytes);
  operands_[steps_[body_step].first + input] = {std::nullopt, static_cast<std::int64_t>(offset)};
  return offset;
}

// A carry that is collected as it comes in is copied to its place by a step of the plan. Where it is not collected
// after the steps as well, each step can leave it there for the next one; where it is, one copy of all will do.
void LoopWalk::find_collected_before(const Plan& body) {
  for (std::size_t i = 0; i < body.steps.size(); ++i) {
    if (body.steps[i].op != "stop_gradient") continue;  // the compiler's copies of inputs to outputs
    const auto &from = operands_[steps_[i].first].place, &to = operands_[steps_[i].first + 1].place;
    if (!from || !to || *from < sequences_ || *from >= sequences_ + carries_.size()) continue;
    Carry& carry = carries_[*from - sequences_];
    if (*to < inputs_ + carries_.size() || carry.before) continue;
    // Nobody else may look for the value in its place.
    const auto uses =
        std::count_if(operands_.begin(), operands_.end(), [&](const Operand& o) { return o.place == to; });
    const bool has_twin = std::any_of(twins_.begin(), twins_.end(), [&](const Twin& t) { return t.from == *to; });
    if (uses != 1 || has_twin) continue;
    carry.before = to;
    steps_[i].runs = false;
  }
}

void LoopWalk::begin(const void* const* in, std::byte* memory, void** addresses) const {
  // Only outputs are written to.
  for (std::size_t i = 0; i < inputs_; ++i) addresses[i] = const_cast<void*>(in[i]);
  void** operands = addresses + places_;
  for (std::size_t i = 0; i < operands_.size(); ++i) operands[i] = memory + operands_[i].offset;
}

void LoopWalk::move(std::int64_t step, const void* const* in, void* const* out, std::byte* memory,
                    void** addresses) const {
  const auto t = static_cast<std::size_t>(reverse_ ? length_ - 1 - step : step);
  const std::size_t carries = carries_.size();
  for (std::size_t i = 0; i < sequences_; ++i) {
    addresses[i] = const_cast<std::byte*>(static_cast<const std::byte*>(in[i])) + t * bytes_[i];
  }
  if (step > 0) {
    for (std::size_t i = 0; i < carries; ++i) {
      addresses[sequences_ + i] = addresses[carries_[i].collected.value_or(inputs_ + i)];
    }
  }
  for (std::size_t place = inputs_ + carries; place < places_; ++place) {
    addresses[place] = element(out, place, step);
  }
  const bool last_is_next = (length_ - 1 - step) % 2 == 0;
  for (std::size_t i = 0; i < carries; ++i) {
    if (carries_[i].before && !carries_[i].collected) {
      addresses[inputs_ + i] = step + 1 < length_ ? element(out, *carries_[i].before, step + 1) : out[i];
    } else {
      addresses[inputs_ + i] = last_is_next ? out[i] : memory + carries_[i].buffer;
    }
  }
  void** operands = addresses + places_;
  for (std::size_t i = 0; i < operands_.size(); ++i) {
    if (operands_[i].place) operands[i] = addresses[*operands_[i].place];
  }
}

std::int64_t LoopWalk::place_alignment(std::size_t place, std::int64_t outside) const {
  const auto piece = [&](std::size_t of) { return std::gcd(outside, static_cast<std::int64_t>(bytes_[of])); };
  const std::size_t carries = carries_.size();
  if (place < sequences_ || place >= inputs_ + carries) return piece(place);
  if (place >= sequences_ + carries && place < inputs_) return outside;
  // What comes in is what the step before has left.
  const Carry& carry = carries_[place - (place < inputs_ ? sequences_ : inputs_)];
  if (carry.collected) return place < inputs_ ? piece(*carry.collected) : outside;
  return carry.before ? piece(*carry.before) : outside;
}

std::int64_t LoopWalk::alignment(std::size_t body_step, std::int64_t outside) const {
  const std::size_t end = body_step + 1 < steps_.size() ? steps_[body_step + 1].first : operands_.size();
  std::int64_t result = kSlotAlignment;
  for (std::size_t i = steps_[body_step].first; i < end; ++i) {
    if (operands_[i].place) result = std::gcd(result, place_alignment(*operands_[i].place, outside));
  }
  return result;
}

}  // namespace keratin
