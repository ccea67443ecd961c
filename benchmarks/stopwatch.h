// Stopwatch: the timing that both training benchmarks share. Needs the standard library only.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

struct StopwatchOptions {
  std::int64_t warm_up_steps = 20;  // not counted,
  double warm_up_seconds = 0.5;     // and neither is what falls into this time
  std::int64_t steps = 0;           // steps to count; 0: as many as `seconds` hold
  double seconds = 4.0;             // without a number of steps: time to count
};

// Call `step` after every training step of the program, until it returns false.
class Stopwatch {
 public:
  explicit Stopwatch(const StopwatchOptions& options) : options_(options), start_(Clock::now()) {}

  bool step() {
    const Clock::time_point now = Clock::now();
    ++steps_;
    if (counting_) {
      seconds_ = seconds_between(start_, now);
      ++counted_;
      return options_.steps > 0 ? counted_ < options_.steps : seconds_ < options_.seconds;
    }
    // The first step builds plans and memory; time counts from its end.
    if (steps_ == 1) start_ = now;
    if (steps_ >= std::max<std::int64_t>(options_.warm_up_steps, 1) &&
        seconds_between(start_, now) >= options_.warm_up_seconds) {
      counting_ = true;
      start_ = now;
    }
    return true;
  }

  std::int64_t steps() const { return counted_; }
  double seconds() const { return seconds_; }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds_between(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  }

  StopwatchOptions options_;
  Clock::time_point start_;
  bool counting_ = false;
  std::int64_t steps_ = 0, counted_ = 0;
  double seconds_ = 0;
};
