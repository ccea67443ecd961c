#include "keratin/core/training/detail/prefetch.h"

namespace keratin {

Prefetch::Prefetch(Generator generator) : generator_(std::move(generator)), thread_([this] { work(); }) {}

Prefetch::~Prefetch() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Prefetch::work() {
  for (int slot = 0;; slot = 1 - slot) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || (!filled_[slot] && reading_ != slot); });
      if (stop_) return;
    }
    bool more = false;
    std::exception_ptr error;
    try {
      more = generator_(batches_[slot]);
    } catch (...) {
      error = std::current_exception();
    }
    {
      std::lock_guard lock(mutex_);
      filled_[slot] = more;
      ended_ = !more;
      error_ = error;
    }
    changed_.notify_all();
    if (!more) return;
  }
}

const Batch* Prefetch::next() {
  std::unique_lock lock(mutex_);
  const int slot = reading_ < 0 ? 0 : 1 - reading_;
  reading_ = -1;
  changed_.notify_all();
  changed_.wait(lock, [&] { return filled_[slot] || ended_; });
  if (!filled_[slot]) {
    if (error_) std::rethrow_exception(error_);
    return nullptr;
  }
  filled_[slot] = false;
  reading_ = slot;
  return &batches_[slot];
}

}  // namespace keratin
