#include "keratin/backends/cuda/branches.h"

#include <algorithm>
#include <optional>

namespace keratin::cuda {
namespace {

bool overlap(const std::vector<MemoryRange>& a, const std::vector<MemoryRange>& b) {
  return std::any_of(a.begin(), a.end(), [&](const MemoryRange& x) {
    return std::any_of(b.begin(), b.end(),
                       [&](const MemoryRange& y) { return std::max(x.begin, y.begin) < std::min(x.end, y.end); });
  });
}

bool must_keep_order(const MemoryUse& a, const MemoryUse& b) {
  return overlap(a.writes, b.reads) || overlap(a.reads, b.writes) || overlap(a.writes, b.writes);
}

}  // namespace

std::vector<Placement> place_on_streams(const std::vector<MemoryUse>& work, std::size_t streams) {
  std::vector<Placement> placed;
  std::vector<std::optional<std::size_t>> last(streams);  // work on each stream
  for (std::size_t i = 0; i < work.size(); ++i) {
    // The latest on each stream that must come before; what is before that on its stream comes before, too.
    std::vector<std::optional<std::size_t>> before(streams);
    for (std::size_t j = i; j-- > 0;) {
      std::optional<std::size_t>& known = before[placed[j].stream];
      if (!known && must_keep_order(work[j], work[i])) known = j;
    }
    std::size_t stream = 0;
    const auto goes_on = [&](std::size_t s) { return before[s] && before[s] == last[s]; };
    if (!work[i].first_stream_only && streams > 1 && !goes_on(0)) {
      // Where it goes on from the last, or else on the stream that has been left alone for longest.
      stream = 1;
      for (std::size_t s = 2; s < streams; ++s) {
        if (goes_on(stream)) break;
        if (goes_on(s) || (last[stream] && (!last[s] || *last[s] < *last[stream]))) stream = s;
      }
    }
    Placement here{stream, {}};
    for (std::size_t s = 0; s < streams; ++s) {
      if (s != stream && before[s]) here.after.push_back(*before[s]);
    }
    last[stream] = i;
    placed.push_back(std::move(here));
  }
  return placed;
}

}  // namespace keratin::cuda
