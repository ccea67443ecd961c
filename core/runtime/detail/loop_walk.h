// LoopWalk: a plan that is run once for each step of a loop, and where its operands lie in every step. What backends
// need of a scan besides their kernels; device memory is only counted in here, never touched.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "keratin/core/runtime/plan.h"

namespace keratin {

struct LoopShape {
  int sequences = 0, carries = 0;  // of the loop's inputs, in this order; the rest are the same in every step
  std::int64_t length = 1;
  bool reverse = false;
  // Whether a copy costs more than it copies, as a launch does. Otherwise carries that are collected before the steps
  // are copied there by each step, which has them in its cache.
  bool few_copies = false;
};

// The body's inputs and outputs lie outside of it and move from step to step: a "place" is one of them, inputs first.
//
// What a step makes of a carry is where the next one looks for it. A carry that is also collected, after the steps or,
// with `few_copies`, before them, is there only; others go back and forth between their output and memory of the loop's
// own, so that the last step leaves them in the output.
class LoopWalk {
 public:
  // Nothing when the plan has variables or constants, or an input or output without elements: such is no loop's body.
  // The plan's outputs must have been placed with PlaceOptions::direct_outputs.
  static std::optional<LoopWalk> make(const Plan& body, const LoopShape& shape);

  std::int64_t length() const { return length_; }
  // Whether a step of the body has anything to do: copies of carries that lie where they are collected have not.
  bool runs(std::size_t body_step) const { return steps_[body_step].runs; }
  // What the loop needs besides its operands: the body's scratch memory and carries; a multiple of kSlotAlignment.
  std::size_t memory_bytes() const { return memory_bytes_; }
  // Of the places and of the operands of the body's steps.
  std::size_t address_count() const { return places_ + operands_.size(); }
  // What all addresses are multiples of that a step of the body meets, when those of the loop's operands are multiples
  // of `outside`. A piece of a sequence is where the pieces before it end.
  std::int64_t alignment(std::size_t body_step, std::int64_t outside) const;

  // The input of the loop that an input of the body's step is in every step; nothing for what changes.
  std::optional<std::size_t> constant_input(std::size_t body_step, std::size_t input) const;
  // Gives the loop memory of `bytes`, which this input of the body's step lies in from now on. Returns its offset.
  std::size_t own(std::size_t body_step, std::size_t input, std::size_t bytes);

  // Runs call(body step, inputs, outputs) for all steps of the body that have something to do, as often as the loop is
  // long, and copy(to, from, bytes) for values that have several places. `memory` has memory_bytes(), `addresses` room
  // for address_count().
  template <class Call, class Copy>
  void run(const void* const* in, void* const* out, std::byte* memory, void** addresses, Call&& call,
           Copy&& copy) const {
    begin(in, memory, addresses);
    for (std::size_t i = 0; i < carries_.size(); ++i) {
      if (carries_[i].before) copy(element(out, *carries_[i].before, 0), in[sequences_ + i], bytes_[inputs_ + i]);
    }
    void** operands = addresses + places_;
    for (std::int64_t step = 0; step < length_; ++step) {
      move(step, in, out, memory, addresses);
      for (std::size_t i = 0; i < steps_.size(); ++i) {
        if (!steps_[i].runs) continue;
        void** first = operands + steps_[i].first;
        call(i, static_cast<const void* const*>(first), static_cast<void* const*>(first + steps_[i].inputs));
      }
      for (const Twin& twin : twins_) copy(addresses[twin.to], addresses[twin.from], bytes_[twin.to]);
    }
    for (std::size_t i = 0; i < carries_.size(); ++i) {
      if (!carries_[i].collected) continue;
      copy(out[i], addresses[*carries_[i].collected], bytes_[inputs_ + i]);
      if (!carries_[i].before || length_ == 1) continue;
      // What it was before each step but the first.
      const std::int64_t first = reverse_ ? length_ - 1 : 1;
      copy(element(out, *carries_[i].before, first), element(out, *carries_[i].collected, first - 1),
           static_cast<std::size_t>(length_ - 1) * bytes_[inputs_ + i]);
    }
  }

 private:
  struct StepOperands {
    std::size_t first = 0, inputs = 0;
    bool runs = true;
  };
  struct Operand {
    std::optional<std::size_t> place;  // otherwise in the body's scratch memory
    std::int64_t offset = 0;
  };
  struct Carry {
    std::size_t buffer = 0;                // in the loop's memory
    std::optional<std::size_t> collected;  // the place that it is after a step, if any,
    std::optional<std::size_t> before;     // and before one
  };
  struct Twin {  // places of one value
    std::size_t from = 0, to = 0;
  };

  void find_collected_before(const Plan& body);
  // Of a collected output, in the loop's order.
  void* element(void* const* out, std::size_t place, std::int64_t step) const {
    const std::int64_t t = reverse_ ? length_ - 1 - step : step;
    return static_cast<std::byte*>(out[place - inputs_]) + static_cast<std::size_t>(t) * bytes_[place];
  }
  void begin(const void* const* in, std::byte* memory, void** addresses) const;
  void move(std::int64_t step, const void* const* in, void* const* out, std::byte* memory, void** addresses) const;
  std::int64_t place_alignment(std::size_t place, std::int64_t outside) const;

  std::size_t sequences_ = 0, inputs_ = 0, places_ = 0, memory_bytes_ = 0;
  std::int64_t length_ = 1;
  bool reverse_ = false;
  std::vector<StepOperands> steps_;
  std::vector<Operand> operands_;
  std::vector<std::size_t> bytes_;  // of a step's piece of each place
  std::vector<Carry> carries_;
  std::vector<Twin> twins_;
};

}  // namespace keratin
