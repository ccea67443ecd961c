// Prefetch: generates the next batch in another thread while the current one is used. Two batches take turns, so a
// generator that reuses their tensors allocates nothing.
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "keratin/core/training/data.h"

namespace keratin {

class Prefetch {
 public:
  explicit Prefetch(Generator generator);
  ~Prefetch();
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  // The next batch, valid until the next call; nullptr at the end. Exceptions of the generator come out here.
  const Batch* next();

 private:
  void work();

  Generator generator_;
  Batch batches_[2];
  bool filled_[2] = {false, false};
  int reading_ = -1;  // the batch the caller has
  bool ended_ = false, stop_ = false;
  std::exception_ptr error_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace keratin
