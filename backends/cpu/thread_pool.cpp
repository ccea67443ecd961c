#include "keratin/backends/cpu/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

#include "keratin/backends/cpu/cpu_count.h"
#include "keratin/backends/cpu/denormals.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::cpu {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMaxThreads = 1024;
// How long a waiting thread spins before it sleeps: longer than the gaps between the kernels of a training step, short
// enough to leave the CPU to others when nothing is going on.
constexpr auto kSpin = std::chrono::microseconds(100);

thread_local bool inside_parallel_for = false;

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// Waits until `word` differs from `old`: spins, then sleeps in the kernel.
std::uint32_t wait_for_change(const std::atomic<std::uint32_t>& word, std::uint32_t old) {
  const Clock::time_point end = Clock::now() + kSpin;
  do {
    for (int i = 0; i < 32; ++i) {
      const std::uint32_t value = word.load(std::memory_order_acquire);
      if (value != old) return value;
      relax();
    }
  } while (Clock::now() < end);
  // Where two busy threads share a CPU, spinning only delays the one that is waited for; from here on, sleep.
  word.wait(old, std::memory_order_acquire);
  return word.load(std::memory_order_acquire);
}

int wanted_threads() {
  // Lets a user share the machine, and tests fix the number.
  const char* text = std::getenv("KERATIN_NUM_THREADS");
  if (!text || !*text) return std::min(usable_cpus(), kMaxThreads);
  char* end = nullptr;
  const long n = std::strtol(text, &end, 10);
  if (*end || n < 1 || n > kMaxThreads) {
    throw InvalidArgument("KERATIN_NUM_THREADS: expected a number of threads from 1 to " + std::to_string(kMaxThreads) +
                          ", got '" + text + "'.");
  }
  return static_cast<int>(n);
}

struct Job {
  ChunkFn fn = nullptr;
  void* context = nullptr;
  std::int64_t chunks = 0;
  std::int64_t parts = 0;
};

void run_part(const Job& job, std::int64_t part) {
  const std::int64_t end = job.chunks * (part + 1) / job.parts;
  for (std::int64_t chunk = job.chunks * part / job.parts; chunk < end; ++chunk) job.fn(job.context, chunk);
}

class Pool {
 public:
  explicit Pool(int threads) : workers_(static_cast<std::size_t>(threads - 1)) {
    const std::vector<int> cpus = affinity_cpus();
    // A kernel that packs threads on few CPUs would undo the parallelism, so workers are pinned, one to a CPU; but not
    // where several processes are told to share CPUs, which is what KERATIN_PIN=0 is for.
    const char* pin = std::getenv("KERATIN_PIN");
    pinned_ = !workers_.empty() && static_cast<int>(cpus.size()) >= threads && !(pin && std::strcmp(pin, "0") == 0);
    if (pinned_) plan_pins(cpus);
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      try {
        workers_[i].thread = std::thread([this, i] { work(static_cast<std::int64_t>(i)); });
      } catch (...) {
        stop();
        throw;
      }
      if (pinned_) pin_worker(i, workers_[i].cpu);
    }
  }

  ~Pool() { stop(); }

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  void run(const Job& job) {
    if (pinned_) leave_callers_cpu();
    job_ = job;
    const std::size_t helpers = static_cast<std::size_t>(job.parts) - 1;
    remaining_.store(static_cast<std::uint32_t>(helpers), std::memory_order_relaxed);
    for (std::size_t i = 0; i < helpers; ++i) signal(workers_[i]);
    std::exception_ptr error;
    inside_parallel_for = true;
    try {
      run_part(job, 0);
    } catch (...) {
      error = std::current_exception();
    }
    inside_parallel_for = false;
    for (std::uint32_t left; (left = remaining_.load(std::memory_order_acquire)) != 0;) {
      wait_for_change(remaining_, left);
    }
    for (std::size_t i = 0; i < helpers; ++i) {
      if (!error) error = workers_[i].error;
      workers_[i].error = nullptr;
    }
    if (error) std::rethrow_exception(error);
  }

 private:
  struct alignas(64) Worker {
    std::atomic<std::uint32_t> ticket{0};  // changes when there is a job, or when the pool stops
    std::exception_ptr error;
    int cpu = -1;
    std::thread thread;
  };

  static void signal(Worker& worker) {
    worker.ticket.fetch_add(1, std::memory_order_release);
    worker.ticket.notify_one();
  }

  void work(std::int64_t index) {
    Worker& self = workers_[static_cast<std::size_t>(index)];
    inside_parallel_for = true;
    const FlushDenormals flush;  // as the calling thread does, or results would depend on who computes them
    for (std::uint32_t seen = 0;;) {
      seen = wait_for_change(self.ticket, seen);
      if (stopping_.load(std::memory_order_acquire)) return;
      try {
        run_part(job_, index + 1);
      } catch (...) {
        self.error = std::current_exception();
      }
      // The caller sleeps on this word, and may sleep through any change but the last.
      if (remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1) remaining_.notify_one();
    }
  }

  void stop() {
    stopping_.store(true, std::memory_order_release);
    for (Worker& worker : workers_) {
      if (!worker.thread.joinable()) continue;
      signal(worker);
      worker.thread.join();
    }
  }

#ifdef __linux__
  // Workers get the CPUs that follow the caller's, which stays free for it: pools of several processes, each on a few
  // CPUs of many, do not all begin with the first one.
  void plan_pins(std::vector<int> cpus) {
    const int here = sched_getcpu();
    std::rotate(cpus.begin(), std::upper_bound(cpus.begin(), cpus.end(), here), cpus.end());
    std::size_t next = 0;
    for (const int cpu : cpus) {
      if (cpu == here) continue;
      if (next < workers_.size()) workers_[next++].cpu = cpu;
    }
    free_cpu_ = here;
  }

  static void pin_worker(Worker& worker, int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    // Pinning is a matter of speed only; a sandbox that forbids it costs nothing else.
    if (pthread_setaffinity_np(worker.thread.native_handle(), sizeof set, &set) == 0) worker.cpu = cpu;
  }
  void pin_worker(std::size_t i, int cpu) { pin_worker(workers_[i], cpu); }

  // The calling thread is never pinned. When it has moved to a worker's CPU, that worker takes the CPU left free.
  void leave_callers_cpu() {
    const int here = sched_getcpu();
    if (here == free_cpu_) return;
    for (Worker& worker : workers_) {
      if (worker.cpu == here) {
        pin_worker(worker, free_cpu_);
        break;
      }
    }
    free_cpu_ = here;
  }
#else
  void plan_pins(std::vector<int>) { pinned_ = false; }
  void pin_worker(std::size_t, int) {}
  void leave_callers_cpu() {}
#endif

  std::vector<Worker> workers_;
  Job job_;
  alignas(64) std::atomic<std::uint32_t> remaining_{0};
  std::atomic<bool> stopping_{false};
  bool pinned_ = false;
  int free_cpu_ = -1;
};

// The pool and the lock that its user holds. After a fork the child has no workers: it gets a state of its own, and the
// parent's is left alone.
struct State {
  std::mutex mutex;
  Pool* pool = nullptr;
  std::atomic<int> threads{0};  // 0: not decided yet
};

// Usable from the constructors of other files' static objects.
constinit State first_state;
constinit State* state = &first_state;

#ifdef __linux__
const int fork_handler = pthread_atfork(nullptr, nullptr, [] {
  const int threads = state->threads.load();
  state = new State;
  state->threads = threads;
});
#endif

// Joins the workers when the process or the library goes away.
struct AtExit {
  ~AtExit() {
    const std::lock_guard lock(state->mutex);
    delete state->pool;
    state->pool = nullptr;
    state->threads = 1;
  }
} at_exit;

int decided_threads() {
  int threads = state->threads.load(std::memory_order_relaxed);
  if (threads == 0) {
    const int wanted = wanted_threads();
    if (state->threads.compare_exchange_strong(threads, wanted)) threads = wanted;
  }
  return threads;
}

void run_inline(std::int64_t chunks, ChunkFn fn, void* context) {
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) fn(context, chunk);
}

}  // namespace

void parallel_for(std::int64_t chunks, ChunkFn fn, void* context) {
  if (chunks <= 1 || inside_parallel_for || decided_threads() == 1) return run_inline(chunks, fn, context);
  const std::unique_lock lock(state->mutex, std::try_to_lock);
  if (!lock) return run_inline(chunks, fn, context);
  // Between the decision and the lock, set_num_threads may have changed the number.
  const int threads = decided_threads();
  if (threads == 1) return run_inline(chunks, fn, context);
  if (!state->pool) state->pool = new Pool(threads);
  state->pool->run({fn, context, chunks, std::min<std::int64_t>(chunks, threads)});
}

int num_threads() { return decided_threads(); }

void set_num_threads(int n) {
  if (n < 1 || n > kMaxThreads) {
    throw InvalidArgument("set_num_threads: expected 1 to " + std::to_string(kMaxThreads) + " threads, got " +
                          std::to_string(n) + ".");
  }
  if (inside_parallel_for) throw InvalidArgument("set_num_threads: called inside parallel work; call it outside.");
  const std::lock_guard lock(state->mutex);
  if (state->pool && state->pool->threads() != n) {
    delete state->pool;
    state->pool = nullptr;
  }
  state->threads = n;
}

}  // namespace keratin::cpu
