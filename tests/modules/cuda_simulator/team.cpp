// The threads of a team on the simulated GPU. Each has a stack of its own and runs until it waits for the others, so
// the kernels' own loops, reductions and barriers are what runs. The order changes from team to team: what needs a
// barrier and has none, or reads what another thread has overwritten, gives other numbers.
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "keratin/backends/cuda/device/launch.h"
#include "tests/modules/cuda_simulator/simulator.h"

#if defined(__SANITIZE_ADDRESS__)
#define KERATIN_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KERATIN_ADDRESS_SANITIZER
#endif
#endif
#if defined(KERATIN_ADDRESS_SANITIZER)
#include <sanitizer/common_interface_defs.h>
#endif

namespace keratin::cuda {
namespace {

#if defined(KERATIN_ADDRESS_SANITIZER)
constexpr std::size_t kStackBytes = std::size_t{256} << 10;
// What the address sanitizer is told when one stack is left for another.
struct Switch {
  void leave(const void* bottom, std::size_t size) { __sanitizer_start_switch_fiber(&fake_, bottom, size); }
  void come_back(const void** bottom, std::size_t* size) { __sanitizer_finish_switch_fiber(fake_, bottom, size); }
  void* fake_ = nullptr;
};
#else
constexpr std::size_t kStackBytes = std::size_t{64} << 10;
struct Switch {
  void leave(const void*, std::size_t) {}
  void come_back(const void**, std::size_t*) {}
};
#endif

// A stack that runs threads of the current team, one after the other until one of them waits.
struct Fiber {
  ucontext_t context;
  void* stack = nullptr;
  Switch sanitizer;
  bool waits = false;
};

class Scheduler {
 public:
  void run(int threads, const std::function<void(int)>& thread) {
    if (thread_) {
      std::fputs("simulated GPU: a kernel starts a kernel\n", stderr);
      std::abort();
    }
    thread_ = &thread;
    threads_ = threads;
    next_ = 0;
    order_ = ++teams_ % 3;
    std::size_t used = 0;
    while (next_ < threads_) resume(fiber(used++));
    for (bool waiting = true; waiting;) {
      waiting = false;
      std::size_t at_barrier = 0;
      for (std::size_t i = 0; i < used; ++i) at_barrier += fibers_[i]->waits;
      const std::size_t ended = static_cast<std::size_t>(threads) - at_barrier;
      if (at_barrier > 0 && ended > 0) {
        simulator::broken_rule(std::to_string(at_barrier) + " threads of a team wait for " + std::to_string(ended) +
                               " that have ended");
      }
      for (std::size_t i = 0; i < used; ++i) {
        Fiber& each = *fibers_[order_ == 1 ? used - 1 - i : i];
        if (!each.waits) continue;
        resume(each);
        waiting = waiting || each.waits;
      }
    }
    thread_ = nullptr;
  }

  void wait() {
    Fiber& me = *current_;
    me.waits = true;
    leave(me);
    me.waits = false;
  }

  unsigned char* memory() { return memory_; }

 private:
  Fiber& fiber(std::size_t i) {
    if (i < fibers_.size()) return *fibers_[i];
    auto made = std::make_unique<Fiber>();
    made->stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // What leaves the stack at its end meets a page that nobody may touch.
    if (made->stack == MAP_FAILED || mprotect(made->stack, 4096, PROT_NONE) != 0 || getcontext(&made->context) != 0) {
      std::perror("simulated GPU: no stack for a thread");
      std::abort();
    }
    made->context.uc_stack.ss_sp = made->stack;
    made->context.uc_stack.ss_size = kStackBytes;
    made->context.uc_link = nullptr;
    makecontext(&made->context, enter, 0);
    fibers_.push_back(std::move(made));
    return *fibers_.back();
  }

  // Until the fiber waits or has nothing left to do.
  void resume(Fiber& to) {
    current_ = &to;
    here_.leave(to.stack, kStackBytes);
    swapcontext(&caller_, &to.context);
    here_.come_back(nullptr, nullptr);
  }
  void leave(Fiber& from) {
    from.sanitizer.leave(callers_stack_, callers_size_);
    swapcontext(&from.context, &caller_);
    from.sanitizer.come_back(&callers_stack_, &callers_size_);
  }

  int rank_of(int i) const {
    switch (order_) {
      case 0: return i;
      case 1: return threads_ - 1 - i;
      default: return (i * 37 + 11) % threads_;  // teams have a power of two of threads
    }
  }

  static void enter();
  [[noreturn]] void work() {
    Fiber& me = *current_;
    me.sanitizer.come_back(&callers_stack_, &callers_size_);
    for (;;) {
      while (next_ < threads_) (*thread_)(rank_of(next_++));
      leave(me);
    }
  }

  std::vector<std::unique_ptr<Fiber>> fibers_;
  ucontext_t caller_;
  Switch here_;
  const void* callers_stack_ = nullptr;
  std::size_t callers_size_ = 0;
  Fiber* current_ = nullptr;
  const std::function<void(int)>* thread_ = nullptr;
  int threads_ = 0, next_ = 0;
  unsigned teams_ = 0, order_ = 0;
  alignas(16) unsigned char memory_[16 * kBlockThreads];
};

Scheduler& scheduler() {
  thread_local Scheduler* instance = new Scheduler;
  return *instance;
}

void Scheduler::enter() { scheduler().work(); }

}  // namespace

void run_team(int threads, const std::function<void(int rank)>& thread) { scheduler().run(threads, thread); }
void wait_for_team() { scheduler().wait(); }
unsigned char* team_memory() { return scheduler().memory(); }

bool backwards() {
  thread_local unsigned kernels = 0;
  return ++kernels % 2 == 0;
}

}  // namespace keratin::cuda
