// scan: the plan of its body, run once for each step.
#include <algorithm>
#include <cstring>
#include <map>
#include <optional>

#include "keratin/backends/cpu/executable.h"
#include "keratin/backends/cpu/typed.h"
#include "keratin/core/ops/scan.h"

namespace keratin::cpu {
namespace {

std::size_t aligned(std::size_t bytes) {
  const auto alignment = static_cast<std::size_t>(kSlotAlignment);
  return (bytes + alignment - 1) / alignment * alignment;
}

// The body's inputs and outputs lie outside of it and move from step to step: a "place" is one of them, inputs first.
//
// What a step makes of a carry is where the next one looks for it. A carry that is also collected is nowhere else;
// others go back and forth between their output and the workspace, so that the last step leaves them in the output.
struct Loop {
  struct Call {
    KernelPtr kernel;
    std::size_t first = 0, inputs = 0;  // of the operands
  };
  struct Operand {
    std::optional<std::size_t> place;  // otherwise in the body's scratch memory
    i64 offset = 0;
  };
  struct Carry {
    std::size_t bytes = 0, buffer = 0;     // in the workspace
    std::optional<std::size_t> collected;  // the place that it is, if any
  };
  struct Copy {  // of a value that has several places
    std::size_t from = 0, to = 0, bytes = 0;
  };

  std::size_t sequences = 0, carries = 0, inputs = 0, places = 0;
  i64 length = 1;
  bool reverse = false;
  std::vector<Call> calls;
  std::vector<Operand> operands;
  std::vector<std::size_t> bytes;  // of a step's piece of each place
  std::vector<Carry> carry;
  std::vector<Copy> copies;
  // The workspace: the body's scratch memory, carries, addresses of places and operands, the kernels' workspace.
  std::size_t addresses = 0, kernel_workspace = 0, workspace_bytes = 0;

  void run(const void* const* in, void* const* out, void* workspace) const {
    auto* base = static_cast<std::byte*>(workspace);
    auto** now = reinterpret_cast<void**>(base + addresses);
    void** at = now + places;
    for (std::size_t i = 0; i < operands.size(); ++i) at[i] = base + operands[i].offset;
    // A kernel writes outputs only.
    for (std::size_t i = 0; i < inputs; ++i) now[i] = const_cast<void*>(in[i]);
    for (i64 step = 0; step < length; ++step) {
      move_places(step, in, out, base, now);
      for (std::size_t i = 0; i < operands.size(); ++i) {
        if (operands[i].place) at[i] = now[*operands[i].place];
      }
      for (const Call& call : calls) {
        call.kernel->run(at + call.first, at + call.first + call.inputs, base + kernel_workspace);
      }
      for (const Copy& copy : copies) std::memcpy(now[copy.to], now[copy.from], copy.bytes);
    }
    for (std::size_t i = 0; i < carries; ++i) {
      if (carry[i].collected) std::memcpy(out[i], now[*carry[i].collected], carry[i].bytes);
    }
  }

 private:
  void move_places(i64 step, const void* const* in, void* const* out, std::byte* base, void** now) const {
    const auto t = static_cast<std::size_t>(reverse ? length - 1 - step : step);
    const auto element = [&](const void* sequence, std::size_t place) -> void* {
      return const_cast<std::byte*>(static_cast<const std::byte*>(sequence)) + t * bytes[place];
    };
    for (std::size_t i = 0; i < sequences; ++i) now[i] = element(in[i], i);
    if (step > 0) {
      for (std::size_t i = 0; i < carries; ++i) now[sequences + i] = now[carry[i].collected.value_or(inputs + i)];
    }
    for (std::size_t place = inputs + carries; place < places; ++place)
      now[place] = element(out[place - inputs], place);
    const bool last_is_next = (length - 1 - step) % 2 == 0;
    for (std::size_t i = 0; i < carries; ++i) now[inputs + i] = last_is_next ? out[i] : base + carry[i].buffer;
  }
};

std::optional<Loop> make_loop(const ScanAttrs& attrs, const Plan& plan, Precision precision) {
  Loop loop;
  loop.sequences = static_cast<std::size_t>(attrs.sequences);
  loop.carries = static_cast<std::size_t>(attrs.carries);
  loop.inputs = plan.inputs.size();
  loop.places = plan.inputs.size() + plan.outputs.size();
  loop.length = attrs.length;
  loop.reverse = attrs.reverse;
  if (!plan.variables.empty() || !plan.constants.empty()) return {};
  std::vector<int> slots = plan.inputs;
  slots.insert(slots.end(), plan.outputs.begin(), plan.outputs.end());
  const auto slot_at = [&](std::size_t place) -> const Slot& {
    return plan.slots[static_cast<std::size_t>(slots[place])];
  };
  std::map<i64, std::size_t> place_of;  // by the offset in the body's feed region
  for (std::size_t place = 0; place < slots.size(); ++place) {
    loop.bytes.push_back(static_cast<std::size_t>(slot_at(place).bytes()));
    if (loop.bytes.back() == 0) return {};  // such places have no offset of their own
  }
  for (std::size_t place = slots.size(); place-- > 0;) {
    // Of the places of one value that which is collected is computed; it comes after the carries.
    const auto [found, first] = place_of.emplace(slot_at(place).offset, place);
    const std::size_t computed = found->second;
    if (place >= loop.inputs && place < loop.inputs + loop.carries) {
      Loop::Carry carry;
      carry.bytes = loop.bytes[place];
      if (!first && computed >= loop.inputs + loop.carries) {
        carry.collected = computed;
      } else if (!first) {
        loop.copies.push_back({computed, place, loop.bytes[place]});
      }
      loop.carry.insert(loop.carry.begin(), carry);
    } else if (!first) {
      loop.copies.push_back({computed, place, loop.bytes[place]});
    }
  }

  std::size_t kernel_bytes = 0;
  for (const Step& step : plan.steps) {
    Loop::Call call{prepare_step(plan, step, precision), loop.operands.size(), step.inputs.size()};
    kernel_bytes = std::max(kernel_bytes, call.kernel->workspace_bytes());
    for (const std::vector<int>& group : {step.inputs, step.outputs}) {
      for (int slot : group) {
        const Slot& s = plan.slots[static_cast<std::size_t>(slot)];
        Loop::Operand operand;
        if (s.region == Region::feed) {
          operand.place = place_of.at(s.offset);
        } else {
          operand.offset = s.offset;
        }
        loop.operands.push_back(operand);
      }
    }
    loop.calls.push_back(std::move(call));
  }
  std::size_t end = aligned(static_cast<std::size_t>(plan.scratch_bytes));
  for (Loop::Carry& carry : loop.carry) {
    carry.buffer = end;
    if (!carry.collected) end += aligned(carry.bytes);
  }
  loop.addresses = end;
  loop.kernel_workspace = end + aligned((loop.places + loop.operands.size()) * sizeof(void*));
  loop.workspace_bytes = loop.kernel_workspace + kernel_bytes;
  return loop;
}

KernelPtr prepare_scan(const OpCall& call) {
  const auto* attrs = call.attributes<ScanAttrs>();
  if (!attrs || !attrs->plan || !call.has(attrs->plan->inputs.size(), attrs->plan->outputs.size())) return nullptr;
  std::optional<Loop> loop = make_loop(*attrs, *attrs->plan, call.precision);
  if (!loop) return nullptr;
  const std::size_t workspace = loop->workspace_bytes;
  std::string description =
      "loop of " + std::to_string(loop->length) + " steps, " + std::to_string(loop->calls.size()) + " kernels in each";
  return make_kernel(
      std::move(description), workspace,
      [loop = std::move(*loop)](const void* const* in, void* const* out, void* memory) { loop.run(in, out, memory); });
}

}  // namespace

void register_loop(KernelTable& table) { table.add(kScan.name, prepare_scan); }

}  // namespace keratin::cpu
