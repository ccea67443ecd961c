// Which work of a plan may run beside which: a plan is a row of steps, but loss, metrics and the gradients of biases
// need not wait for products that they do not read. A captured graph has such work on branches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace keratin::cuda {

struct MemoryRange {
  std::uintptr_t begin = 0, end = 0;  // [begin, end)
};

// A piece of work by what it reads and writes.
struct MemoryUse {
  std::vector<MemoryRange> reads, writes;
  // On the first stream only: the work uses memory that is not listed, which others use too (the plan's workspace), or
  // a library whose handle belongs to that stream.
  bool first_stream_only = false;
};

// Where a piece of work runs, in the order of the plan.
struct Placement {
  std::size_t stream = 0;
  std::vector<std::size_t> after;  // work on other streams that must have ended, at most one piece of each stream
};

// Two pieces of which one writes what the other reads or writes keep their order; others need not. Work that goes on
// from the last on a stream stays there. O(n²) in the pieces of work.
std::vector<Placement> place_on_streams(const std::vector<MemoryUse>& work, std::size_t streams);

}  // namespace keratin::cuda
