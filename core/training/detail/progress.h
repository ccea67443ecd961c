// Progress: Keras's progress bar on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "keratin/core/training/logs.h"

namespace keratin {

class Progress {
 public:
  // `verbose` as in fit; `steps` -1 when unknown.
  Progress(int verbose, std::int64_t steps) : verbose_(verbose), steps_(steps) {}
  void begin_epoch(int epoch, int epochs);
  // Begins without a heading: evaluate and predict.
  void begin();
  // Whether it is time to show something: a few times a second on a terminal, so that reading the metrics costs little.
  bool due(std::int64_t step) const;
  void update(std::int64_t step, const Logs& logs);
  void end(std::int64_t steps, const Logs& logs);

 private:
  using Clock = std::chrono::steady_clock;
  std::string line(std::int64_t step, const Logs& logs, bool finished) const;

  int verbose_;
  std::int64_t steps_;
  Clock::time_point start_, shown_;
  bool bar_ = false;
  std::size_t width_ = 0;
};

}  // namespace keratin
