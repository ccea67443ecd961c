#include "keratin/backends/cpu/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "keratin/backends/cpu/cpu_count.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::cpu {
namespace {

// Restores the number of threads the other tests run with.
class ThreadPool : public ::testing::Test {
 protected:
  void TearDown() override { set_num_threads(before_); }
  const int before_ = num_threads();
};

TEST_F(ThreadPool, EveryChunkRunsOnce) {
  for (const int threads : {1, 2, 3, 7}) {
    set_num_threads(threads);
    EXPECT_EQ(num_threads(), threads);
    for (const std::int64_t chunks : {0, 1, 2, 3, 7, 8, 100}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(chunks));
      parallel_for(chunks, [&](std::int64_t chunk) { ++runs[static_cast<std::size_t>(chunk)]; });
      for (const auto& count : runs) EXPECT_EQ(count.load(), 1);
    }
  }
}

TEST_F(ThreadPool, UsesOtherThreads) {
  set_num_threads(2);
  std::thread::id ids[2];
  parallel_for(2, [&](std::int64_t chunk) { ids[chunk] = std::this_thread::get_id(); });
  EXPECT_EQ(ids[0], std::this_thread::get_id());
  EXPECT_NE(ids[0], ids[1]);
}

#ifdef __linux__
// How many CPUs the second of two threads may run on.
int cpus_of_a_worker() {
  set_num_threads(1);
  set_num_threads(2);  // a new pool
  int count = 0;
  parallel_for(2, [&](std::int64_t chunk) {
    cpu_set_t set;
    if (chunk == 1 && sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
  });
  return count;
}

TEST_F(ThreadPool, WorkersArePinnedUnlessToldNotTo) {
  const int cpus = static_cast<int>(affinity_cpus().size());
  if (cpus < 2) GTEST_SKIP() << "one CPU";
  const char* told = std::getenv("KERATIN_PIN");
  const std::string before = told ? told : "";
  setenv("KERATIN_PIN", "1", 1);
  EXPECT_EQ(cpus_of_a_worker(), 1);
  setenv("KERATIN_PIN", "0", 1);
  EXPECT_EQ(cpus_of_a_worker(), cpus);
  told ? setenv("KERATIN_PIN", before.c_str(), 1) : unsetenv("KERATIN_PIN");
}
#endif

TEST_F(ThreadPool, NestedCallsRunInPlace) {
  set_num_threads(3);
  std::atomic<int> total = 0;
  parallel_for(6, [&](std::int64_t) {
    const std::thread::id outer = std::this_thread::get_id();
    parallel_for(5, [&](std::int64_t) {
      EXPECT_EQ(std::this_thread::get_id(), outer);
      ++total;
    });
  });
  EXPECT_EQ(total.load(), 30);
}

TEST_F(ThreadPool, ExceptionsReachTheCallerAndThePoolGoesOn) {
  set_num_threads(4);
  for (std::int64_t bad = 0; bad < 8; ++bad) {
    try {
      parallel_for(8, [&](std::int64_t chunk) {
        if (chunk == bad) throw std::runtime_error("chunk " + std::to_string(chunk));
      });
      FAIL() << "expected an exception";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(error.what(), "chunk " + std::to_string(bad));
    }
    std::atomic<int> runs = 0;
    parallel_for(8, [&](std::int64_t) { ++runs; });
    EXPECT_EQ(runs.load(), 8);
  }
}

TEST_F(ThreadPool, OfSeveralExceptionsTheFirstRunOfChunksWins) {
  set_num_threads(4);
  for (int i = 0; i < 20; ++i) {
    try {
      parallel_for(4, [](std::int64_t chunk) {
        if (chunk > 0) throw std::runtime_error(std::to_string(chunk));
      });
      FAIL() << "expected an exception";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "1");
    }
  }
}

TEST_F(ThreadPool, SeveralCallersAtOnce) {
  set_num_threads(2);
  std::atomic<std::int64_t> total = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) parallel_for(5, [&](std::int64_t chunk) { total += chunk; });
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total.load(), 4 * 200 * 10);
}

TEST_F(ThreadPool, TheNumberOfThreadsMayChangeWhileOthersWork) {
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::thread worker([&] {
    while (!stop) {
      std::atomic<int> runs = 0;
      parallel_for(9, [&](std::int64_t) { ++runs; });
      wrong += runs != 9;
    }
  });
  for (int i = 0; i < 30; ++i) set_num_threads(1 + i % 4);
  stop = true;
  worker.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST_F(ThreadPool, ManyEmptyForksAndJoins) {
  set_num_threads(2);
  std::atomic<int> runs = 0;
  for (int i = 0; i < 10000; ++i) parallel_for(2, [&](std::int64_t) { ++runs; });
  EXPECT_EQ(runs.load(), 20000);
}

TEST_F(ThreadPool, SleepingWorkersWakeUp) {
  set_num_threads(2);
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::atomic<int> runs = 0;
    parallel_for(4, [&](std::int64_t) { ++runs; });
    EXPECT_EQ(runs.load(), 4);
  }
}

TEST_F(ThreadPool, ASlowChunkIsWaitedFor) {
  set_num_threads(2);
  int slow = 0;
  parallel_for(2, [&](std::int64_t chunk) {
    if (chunk == 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    slow = 1;
  });
  EXPECT_EQ(slow, 1);
}

#if !defined(__SANITIZE_THREAD__)  // its runtime does not follow threads started after a fork
TEST_F(ThreadPool, AForkedChildHasWorkersOfItsOwn) {
  set_num_threads(2);
  parallel_for(2, [](std::int64_t) {});
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::atomic<int> runs = 0;
    parallel_for(4, [&](std::int64_t) { ++runs; });
    _exit(runs == 4 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}
#endif

TEST_F(ThreadPool, RefusesBadNumbers) {
  EXPECT_THROW(set_num_threads(0), InvalidArgument);
  EXPECT_THROW(set_num_threads(-3), InvalidArgument);
  EXPECT_THROW(set_num_threads(100000), InvalidArgument);
  set_num_threads(2);
  EXPECT_THROW(parallel_for(2, [](std::int64_t) { set_num_threads(1); }), InvalidArgument);
}

}  // namespace
}  // namespace keratin::cpu
