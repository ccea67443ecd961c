// Two ways to compute the same, timed by turns in one process, and whether they agree.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <new>
#include <vector>

#include "keratin/backends/cpu/isa.h"
#include "keratin/core/runtime/plan.h"

namespace keratin::benchmarks {

// Aligned as the runtime's memory is.
template <class T>
struct Aligned {
  static constexpr std::align_val_t kAlignment{kSlotAlignment};
  using value_type = T;
  bool operator==(const Aligned&) const = default;
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kAlignment)); }
  void deallocate(T* memory, std::size_t) { ::operator delete(memory, kAlignment); }
};
using Numbers = std::vector<float, Aligned<float>>;

// Between -1 and 1.
inline Numbers numbers(std::int64_t n, std::uint64_t seed) {
  Numbers x(static_cast<std::size_t>(n));
  cpu::simd().f32.uniform(seed, 1, 0, n, -1.0f, 1.0f, x.data());
  return x;
}

// A product of whole matrices, one row after the other.
inline cpu::GemmShape plain_product(std::int64_t m, std::int64_t n, std::int64_t k, bool trans_a, bool trans_b) {
  return {.m = m,
          .n = n,
          .k = k,
          .lda = trans_a ? m : k,
          .ldb = trans_b ? k : n,
          .ldc = n,
          .trans_a = trans_a,
          .trans_b = trans_b};
}

inline double seconds_of(const std::function<void()>& call, int calls) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < calls; ++i) call();
  return std::chrono::duration<double>(Clock::now() - start).count() / calls;
}

// The best of several rounds, ours and the other's by turns: what else runs on the machine only ever adds time.
struct Times {
  double ours = 1e9, other = 1e9;
};
inline Times compare(const std::function<void()>& ours, const std::function<void()>& other) {
  constexpr int kRounds = 9;
  constexpr double kRoundSeconds = 0.004;
  const double once = std::max({seconds_of(ours, 1), seconds_of(other, 1), 1e-7});
  const int calls = std::max(1, static_cast<int>(kRoundSeconds / once));
  Times times;
  for (int round = 0; round < kRounds; ++round) {
    times.ours = std::min(times.ours, seconds_of(ours, calls));
    times.other = std::min(times.other, seconds_of(other, calls));
  }
  return times;
}

// Whether two results agree, so that the times are of the same work. The tolerance is for each addend of an element.
inline bool agree(const Numbers& a, const Numbers& b, std::int64_t depth, float tolerance_each = 1e-6f) {
  const float tolerance = tolerance_each * static_cast<float>(depth) + 10 * tolerance_each;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(std::abs(a[i] - b[i]) <= tolerance)) return false;
  }
  return true;
}

}  // namespace keratin::benchmarks
