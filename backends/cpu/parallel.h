// Splitting work among threads. Where a sum is cut, the chunks are chosen by sizes only: results are the same bits for
// any number of threads. Work below a few microseconds stays in the calling thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "keratin/backends/cpu/simd/simd.h"
#include "keratin/backends/cpu/thread_pool.h"

namespace keratin::cpu {

// How many elements make a chunk, by the work on each: some 10 us.
inline constexpr i64 kGrainLight = 64 * 1024;  // copies, additions
inline constexpr i64 kGrainHeavy = 16 * 1024;  // exp, divisions, updates

// Columns are split at multiples of this: whole cache lines and vector registers.
inline constexpr i64 kColumnUnit = 64;

inline i64 ceil_div(i64 a, i64 b) { return (a + b - 1) / b; }
inline i64 round_up(i64 a, i64 multiple) { return ceil_div(a, multiple) * multiple; }

// [0, n) in chunks of about `grain`, all multiples of `unit` but the last.
struct Range {
  i64 n = 0, chunk = 1, chunks = 0;

  Range() = default;
  Range(i64 n, i64 grain, i64 unit = 1) : n(n) {
    grain = std::max<i64>(grain, 1);
    const i64 wanted = std::max<i64>(1, (n + grain / 2) / grain);
    chunk = std::max(unit, round_up(ceil_div(n, wanted), unit));
    chunks = ceil_div(n, chunk);
  }
  i64 begin(i64 c) const { return c * chunk; }
  i64 end(i64 c) const { return std::min(n, (c + 1) * chunk); }

  // f(begin, end) for every chunk.
  template <class F>
  void run(F&& f) const {
    if (chunks == 1) {
      f(i64{0}, n);
    } else if (chunks > 1) {
      parallel_for(chunks, [&](i64 c) { f(begin(c), end(c)); });
    }
  }
};

// f(chunk, slot) for chunks [0, chunks), where no two calls with the same slot run at the same time: slots number the
// pieces of a workspace that was made for `slots` threads.
template <class F>
void parallel_with_slots(i64 chunks, i64 slots, F&& f) {
  const i64 parts = std::min(chunks, slots);
  parallel_for(parts, [&](i64 part) {
    const i64 end = chunks * (part + 1) / parts;
    for (i64 chunk = chunks * part / parts; chunk < end; ++chunk) f(chunk, part);
  });
}

}  // namespace keratin::cpu
