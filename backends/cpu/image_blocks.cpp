#include "keratin/backends/cpu/image_blocks.h"

#include <unistd.h>

#include <algorithm>
#include <optional>

#include "keratin/backends/cpu/by_rows.h"
#include "keratin/backends/cpu/parallel.h"

namespace keratin::cpu {
namespace {

// Of steps without images in a chain: scales and shifts of normalisation, but no large arrays.
constexpr i64 kMostOnceBytes = 64 << 10;
// Fewer images than this at a time, for each thread, cost more than they save.
constexpr i64 kFewestImages = 2;

// Memory that a slot has in its region.
struct Bytes {
  Region region;
  i64 begin, end;

  explicit Bytes(const Slot& slot)
      : region(slot.region), begin(slot.offset), end(slot.offset + (slot.region == Region::state ? 1 : slot.bytes())) {}
  bool operator==(const Bytes&) const = default;
  bool overlaps(const Bytes& o) const { return region == o.region && begin < o.end && o.begin < end; }
};

// What a step of the chain computes, from then on until a later one writes over it.
struct Made {
  Bytes bytes;
  bool rows;                              // or by a step that runs once
  std::size_t from, last;                 // steps: that makes it, that reads it last
  std::size_t written = ~std::size_t{0};  // over by this step of the chain
  bool outside = false;                   // somebody reads it after the chain
  i64 row_bytes = 0, offset = 0;
};

// One operand of a member: its value, or -1 for what comes from outside.
struct Use {
  int made = -1;
  bool rows = false;
};

class Chain {
 public:
  Chain(const Plan& plan, std::size_t first) : plan_(plan), first_(first), next_(first + 1) {
    const Step& step = plan.steps[first];
    if (step.outputs.empty()) return;
    const Shape& shape = slot(step.outputs[0]).shape;
    images_ = shape.rank() > 0 ? shape[0] : 0;
    if (images_ <= kFewestRows) return;
    while (end() < plan.steps.size() && add(plan.steps[end()])) {
    }
    next_ = std::max(first + 1, end());
    while (!uses_.empty() && once_.back()) remove_last();
  }

  std::size_t end() const { return first_ + uses_.size(); }

  // Where to look for the next chain when this one is not worth it.
  std::size_t next() const { return next_; }

  // Blocks for what is left after steps at the end went whose results would be written over what other blocks have yet
  // to read; nothing when it is not worth it.
  std::optional<ImageBlocks> blocks(const BlockLimits& limits) {
    while (uses_.size() > 1) {
      find_outside();
      if (!writes_over_operands()) return cut(limits);
      remove_last();
      while (!uses_.empty() && once_.back()) remove_last();
    }
    return {};
  }

 private:
  const Slot& slot(int index) const { return plan_.slots[static_cast<std::size_t>(index)]; }

  // Adds the next step; false when the chain ends before it.
  bool add(const Step& step) {
    const std::size_t position = end();
    std::vector<Use> uses;
    bool images = false, parameters = true;
    for (int input : step.inputs) {
      const Bytes bytes(slot(input));
      Use use;
      for (std::size_t i = 0; i < made_.size(); ++i) {
        if (made_[i].written <= position || !made_[i].bytes.overlaps(bytes)) continue;
        if (made_[i].bytes != bytes) return false;
        use = {static_cast<int>(i), made_[i].rows};
      }
      images |= use.rows;
      parameters &= !use.rows && (use.made >= 0 || bytes.region == Region::state || slot(input).shape.size() == 1);
      uses.push_back(use);
    }
    i64 output_bytes = 0;
    for (int output : step.outputs) {
      if (slot(output).region == Region::state) return false;
      output_bytes += slot(output).bytes();
    }
    // What is made of parameters alone may happen to have as many rows as there are images.
    const bool may_run_once = !uses_.empty() && !images && output_bytes <= kMostOnceBytes;
    const auto rows = may_run_once && parameters ? std::nullopt : by_rows(plan_, step, images_);
    const bool once = !rows;
    if (once && !may_run_once) return false;
    for (std::size_t i = 0; !once && i < uses.size(); ++i) {
      if (uses[i].made >= 0 && uses[i].rows != (*rows)[i]) return false;
      uses[i].rows = (*rows)[i];
    }
    for (const Use& use : uses) {
      if (use.made >= 0) made_[static_cast<std::size_t>(use.made)].last = position;
    }
    for (int output : step.outputs) {
      const Bytes bytes(slot(output));
      for (Made& made : made_) {
        if (made.written > position && made.bytes.overlaps(bytes)) made.written = position;
      }
      uses.push_back({static_cast<int>(made_.size()), !once});
      made_.push_back({.bytes = bytes, .rows = !once, .from = position, .last = position});
      if (!once) made_.back().row_bytes = slot(output).bytes() / images_;
    }
    uses_.push_back(std::move(uses));
    once_.push_back(once);
    return true;
  }

  void remove_last() {
    uses_.pop_back();
    once_.pop_back();
    const std::size_t position = end();
    while (!made_.empty() && made_.back().from == position) made_.pop_back();
    for (Made& made : made_) {
      if (made.written == position) made.written = ~std::size_t{0};
      made.last = made.from;
    }
    for (std::size_t i = 0; i < uses_.size(); ++i) {
      for (const Use& use : uses_[i]) {
        if (use.made >= 0) made_[static_cast<std::size_t>(use.made)].last = first_ + i;
      }
    }
  }

  void find_outside() {
    for (Made& made : made_) {
      const auto reads = [&](int index) { return Bytes(slot(index)).overlaps(made.bytes); };
      made.outside = made.written >= end() && (made.bytes.region != Region::scratch ||
                                               std::any_of(plan_.outputs.begin(), plan_.outputs.end(), reads));
      if (made.outside || made.written < end()) continue;
      for (std::size_t i = end(); i < plan_.steps.size(); ++i) {
        const Step& step = plan_.steps[i];
        if (std::any_of(step.inputs.begin(), step.inputs.end(), reads)) {
          made.outside = true;
          break;
        }
        // Whatever was there is gone.
        if (std::any_of(step.outputs.begin(), step.outputs.end(), reads)) break;
      }
    }
  }

  bool writes_over_operands() const {
    for (std::size_t i = 0; i < uses_.size(); ++i) {
      const Step& step = plan_.steps[first_ + i];
      for (std::size_t k = 0; k < step.inputs.size(); ++k) {
        if (uses_[i][k].made >= 0) continue;
        const Bytes operand(slot(step.inputs[k]));
        for (const Made& made : made_) {
          if (made.outside && made.bytes.overlaps(operand)) return true;
        }
      }
    }
    return false;
  }

  // Places what is the chain's own for blocks of `block` images, and returns the bytes: what stays for all blocks, and
  // behind it what each block makes. A result computed in the memory of an operand is so here as well.
  i64 place(i64 block) {
    i64 begin = 0;
    for (Made& made : made_) {
      if (made.outside || made.rows) continue;
      made.offset = begin;
      begin += bytes_of(made, block);
    }
    std::vector<Made*> placed;  // by offset
    i64 total = begin;
    for (Made& made : made_) {
      if (made.outside || !made.rows) continue;
      const i64 bytes = bytes_of(made, block);
      i64 offset = begin;
      for (const Made* other : placed) {
        if (other->last < made.from) continue;
        const bool in_place = other->last == made.from && other->written == made.from && other->bytes == made.bytes;
        if (in_place || offset + bytes <= other->offset) {
          if (in_place) offset = other->offset;
          break;
        }
        offset = std::max(offset, other->offset + bytes_of(*other, block));
      }
      made.offset = offset;
      total = std::max(total, offset + bytes);
      placed.insert(std::upper_bound(placed.begin(), placed.end(), &made,
                                     [](const Made* a, const Made* b) { return a->offset < b->offset; }),
                    &made);
    }
    return total;
  }
  i64 bytes_of(const Made& made, i64 block) const {
    return round_up(made.rows ? block * made.row_bytes : made.bytes.end - made.bytes.begin, kSlotAlignment);
  }

  std::optional<ImageBlocks> cut(const BlockLimits& limits) {
    // A few images take as much cache, in proportion, as many.
    const i64 image_bytes = place(kFewestRows * 8) / (kFewestRows * 8);
    if (image_bytes == 0 || ceil_div(images_, limits.threads) * image_bytes <= limits.cache_bytes) return {};
    const i64 block = choose_block(limits.cache_bytes / 2 / image_bytes, limits.threads);
    if (block == 0) {
      // Behind the largest images there may be smaller ones.
      const auto largest = std::max_element(made_.begin(), made_.end(), [](const Made& a, const Made& b) {
        return (a.outside ? 0 : a.row_bytes) < (b.outside ? 0 : b.row_bytes);
      });
      next_ = largest->from + 1;
      return {};
    }
    if (reads_more(block, limits.cache_bytes)) return {};
    ImageBlocks result;
    result.first = first_;
    result.images = images_;
    result.block = block;
    result.own_bytes = place(result.block);
    result.plan = plan_of(result.block);
    for (const std::vector<Use>& uses : uses_) {
      ImageBlocks::Member member;
      const std::size_t i = result.members.size();
      member.once = once_[i];
      const Step& step = plan_.steps[first_ + i];
      for (std::size_t k = 0; k < uses.size(); ++k) {
        const Made* made = uses[k].made < 0 ? nullptr : &made_[static_cast<std::size_t>(uses[k].made)];
        ImageBlocks::Operand operand;
        if (made && !made->outside) {
          operand = {ImageBlocks::Place::own, 0, made->offset};
        } else if (uses[k].rows) {
          const int index = k < step.inputs.size() ? step.inputs[k] : step.outputs[k - step.inputs.size()];
          operand = {ImageBlocks::Place::rows, slot(index).bytes() / images_, 0};
        }
        member.operands.push_back(operand);
      }
      result.members.push_back(std::move(member));
    }
    return result;
  }

  // Whether large parameters, which every block reads again from beyond the cache, are more than what it saves.
  bool reads_more(i64 block, i64 cache) const {
    i64 parameters = 0, saved = 0;
    for (std::size_t i = 0; i < uses_.size(); ++i) {
      const Step& step = plan_.steps[first_ + i];
      for (std::size_t k = 0; k < step.inputs.size(); ++k) {
        if (uses_[i][k].made < 0 && !uses_[i][k].rows) parameters += slot(step.inputs[k]).bytes();
      }
    }
    for (const Made& made : made_) saved += made.outside ? 0 : 2 * images_ * made.row_bytes;
    return parameters > 2 * cache && (ceil_div(images_, block) - 1) * parameters > saved;
  }

  // About as many images for each thread as are `fitting`, so that they come out nearly even in the batch, and in the
  // chunks that kernels cut for several threads; 0: too few.
  i64 choose_block(i64 fitting, i64 threads) const {
    if (fitting < kFewestImages) return 0;
    const i64 unit = threads > 1 && fitting >= 8 ? 8 : 1, most = std::max(fitting + fitting / 4, kFewestRows + 1);
    i64 best = 0, best_twice = 0;
    for (i64 each = most / unit * unit; each >= unit && 5 * each >= 3 * fitting; each -= unit) {
      const i64 block = each * threads, twice = ceil_div(images_, block) * block - images_;  // computed twice
      if (block < kFewestRows || 2 * block > images_ + 1 || (best > 0 && twice >= best_twice)) continue;
      best = block;
      best_twice = twice;
    }
    return best;
  }

  Plan plan_of(i64 block) const {
    Plan plan;
    plan.name = plan_.name;
    plan.slots = plan_.slots;
    for (std::size_t i = 0; i < uses_.size(); ++i) {
      Step step = plan_.steps[first_ + i];
      InputRows rows;
      for (std::size_t k = 0; k < step.inputs.size(); ++k) rows.push_back(uses_[i][k].rows);
      if (!once_[i]) step.attrs = with_rows(plan_, step, rows, block);
      for (std::size_t k = 0; k < uses_[i].size(); ++k) {
        if (!uses_[i][k].rows) continue;
        int& index = k < step.inputs.size() ? step.inputs[k] : step.outputs[k - step.inputs.size()];
        // A slot may be read as a whole by another step.
        plan.slots.push_back(slot(index));
        plan.slots.back().shape[0] = block;
        index = static_cast<int>(plan.slots.size()) - 1;
      }
      plan.steps.push_back(std::move(step));
    }
    return plan;
  }

  const Plan& plan_;
  const std::size_t first_;
  std::size_t next_;
  i64 images_ = 0;
  std::vector<std::vector<Use>> uses_;  // of each step: inputs, then outputs
  std::vector<bool> once_;
  std::vector<Made> made_;  // by the step that makes it
};

}  // namespace

BlockLimits block_limits() {
  constexpr i64 kUsual = i64{1} << 20;
  i64 cache = 0;
#ifdef _SC_LEVEL2_CACHE_SIZE
  cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
  return {num_threads(), cache > 0 ? cache : kUsual};
}

std::vector<ImageBlocks> find_image_blocks(const Plan& plan, const BlockLimits& limits) {
  std::vector<ImageBlocks> result;
  if (limits.cache_bytes <= 0) return result;
  for (std::size_t i = 0; i < plan.steps.size();) {
    Chain chain(plan, i);
    if (auto blocks = chain.blocks(limits)) {
      i += blocks->members.size();
      result.push_back(std::move(*blocks));
    } else {
      i = chain.next();
    }
  }
  return result;
}

}  // namespace keratin::cpu
