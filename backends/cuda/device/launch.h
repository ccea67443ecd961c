// How kernels are written and launched. A kernel is a function object over an index, or over a team of threads and an
// index; nvcc makes a kernel of it, and the tests' simulator compiles the same files with the host's compiler and runs
// the same threads one after the other. Nothing here allocates or waits, so that everything can be captured in a graph.
#pragma once

#include <cstdint>

#include "keratin/backends/cuda/api/runtime.h"
#include "keratin/core/tensor/philox.h"

#if !defined(__CUDACC__)
#include <cstring>
#include <functional>
#endif

// Several turns of a loop at once: their reads do not wait for each other.
#if defined(__CUDA_ARCH__)
#define KERATIN_UNROLL _Pragma("unroll 8")
#else
#define KERATIN_UNROLL
#endif

namespace keratin::cuda {

using i64 = std::int64_t;

inline constexpr int kBlockThreads = 256, kWarpThreads = 32;
inline constexpr i64 kWarpWork = 1024;  // elements of a team's work that one warp does by itself

// A team, the threads that work on one row together:
//   rank(), size()       this thread's number, and how many there are
//   synchronize()        what each thread wrote before is there for the others
//   reduce(value, join)  `join` of every thread's value, for every thread; `join` must be commutative and associative
// Every thread of a team must come to each synchronize() and reduce().

// A value and where it was found: what argmax reduces.
template <class T>
struct Found {
  T value;
  i64 index;
};

#if defined(__CUDACC__)

template <class T>
__device__ T from_lane(T value, int mask) {
  return __shfl_xor_sync(0xffffffffu, value, mask);
}

template <class T>
__device__ Found<T> from_lane(Found<T> found, int mask) {
  return {from_lane(found.value, mask), from_lane(found.index, mask)};
}

struct WarpTeam {
  __device__ i64 rank() const { return threadIdx.x % kWarpThreads; }
  __device__ i64 size() const { return kWarpThreads; }
  __device__ void synchronize() const { __syncwarp(); }
  template <class T, class Join>
  __device__ T reduce(T value, Join join) const {
    for (int mask = kWarpThreads / 2; mask > 0; mask /= 2) value = join(value, from_lane(value, mask));
    return value;
  }
};

struct BlockTeam {
  static constexpr int kWarps = kBlockThreads / kWarpThreads;
  unsigned char* shared;  // 16 bytes for each warp
  __device__ i64 rank() const { return threadIdx.x; }
  __device__ i64 size() const { return kBlockThreads; }
  __device__ void synchronize() const { __syncthreads(); }
  template <class T, class Join>
  __device__ T reduce(T value, Join join) const {
    static_assert(sizeof(T) <= 16);
    value = WarpTeam().reduce(value, join);
    T* partial = reinterpret_cast<T*>(shared);
    if (threadIdx.x % kWarpThreads == 0) partial[threadIdx.x / kWarpThreads] = value;
    __syncthreads();
    T result = partial[0];
    for (int warp = 1; warp < kWarps; ++warp) result = join(result, partial[warp]);
    __syncthreads();  // the memory may be written again
    return result;
  }
};

template <class F>
__global__ void __launch_bounds__(kBlockThreads) run_each(F f, i64 n) {
  const i64 i = static_cast<i64>(blockIdx.x) * kBlockThreads + threadIdx.x;
  if (i < n) f(i);
}
template <class F>
__global__ void __launch_bounds__(kBlockThreads) run_warps(F f, i64 teams) {
  const i64 team = static_cast<i64>(blockIdx.x) * (kBlockThreads / kWarpThreads) + threadIdx.x / kWarpThreads;
  if (team < teams) f(WarpTeam(), team);  // a warp stays together
}
template <class F>
__global__ void __launch_bounds__(kBlockThreads) run_blocks(F f) {
  alignas(16) __shared__ unsigned char shared[16 * BlockTeam::kWarps];
  f(BlockTeam{shared}, static_cast<i64>(blockIdx.x));
}

template <class F>
__global__ void __launch_bounds__(kBlockThreads) run_sharing_blocks(F f) {
  alignas(16) __shared__ unsigned char partial[16 * BlockTeam::kWarps];
  __shared__ typename F::Shared shared;
  f(BlockTeam{partial}, shared, static_cast<i64>(blockIdx.x));
}

// f(i) for i in [0, n).
template <class F>
void for_each(Stream stream, i64 n, const F& f) {
  if (n <= 0) return;
  run_each<<<static_cast<unsigned>((n + kBlockThreads - 1) / kBlockThreads), kBlockThreads, 0, stream>>>(f, n);
}

// f(team, i) for i in [0, teams), by a team of threads each, of which every one does about `work` elements.
template <class F>
void for_each_team(Stream stream, i64 teams, i64 work, const F& f) {
  if (teams <= 0) return;
  constexpr i64 kTeamsOfBlock = kBlockThreads / kWarpThreads;
  if (work <= kWarpWork) {
    run_warps<<<static_cast<unsigned>((teams + kTeamsOfBlock - 1) / kTeamsOfBlock), kBlockThreads, 0, stream>>>(f,
                                                                                                                teams);
  } else {
    run_blocks<<<static_cast<unsigned>(teams), kBlockThreads, 0, stream>>>(f);
  }
}

// f(team, shared, i) for i in [0, blocks), by blocks of kBlockThreads that have an F::Shared together; nobody clears
// it.
template <class F>
void for_each_block(Stream stream, i64 blocks, const F& f) {
  if (blocks <= 0) return;
  run_sharing_blocks<<<static_cast<unsigned>(blocks), kBlockThreads, 0, stream>>>(f);
}

#else

// The simulator's queue: runs `work` now, or records it while the stream is being captured.
void launch_on_host(Stream stream, std::function<void()> work);
// What a GPU ends a kernel with.
[[noreturn]] void misaligned_access();

// What the simulator does of a team: runs thread(rank) for each rank in [0, threads), in an order that changes from
// team to team; a thread goes on until it waits for the others. Memory of its own is 16 bytes for each thread.
void run_team(int threads, const std::function<void(int rank)>& thread);
void wait_for_team();
unsigned char* team_memory();
// Whether the threads of the next kernel begin with the last one.
bool backwards();

struct SimulatedTeam {
  int number, threads;
  i64 rank() const { return number; }
  i64 size() const { return threads; }
  void synchronize() const { wait_for_team(); }
  // As WarpTeam and BlockTeam do it, in the same order.
  template <class T, class Join>
  T reduce(T value, Join join) const {
    static_assert(sizeof(T) <= 16);
    T* values = reinterpret_cast<T*>(team_memory());
    values[number] = value;
    wait_for_team();
    if (number == 0) {
      for (int warp = 0; warp < threads; warp += kWarpThreads) reduce_warp(values + warp, join);
      if (threads > kWarpThreads) {
        T result = values[0];
        for (int warp = kWarpThreads; warp < threads; warp += kWarpThreads) result = join(result, values[warp]);
        for (int i = 0; i < threads; ++i) values[i] = result;
      }
    }
    wait_for_team();
    const T result = values[number];
    wait_for_team();  // the memory may be written again
    return result;
  }
  template <class T, class Join>
  static void reduce_warp(T* values, Join join) {
    for (int mask = kWarpThreads / 2; mask > 0; mask /= 2) {
      T before[kWarpThreads];
      for (int lane = 0; lane < kWarpThreads; ++lane) before[lane] = values[lane];
      for (int lane = 0; lane < kWarpThreads; ++lane) values[lane] = join(before[lane], before[lane ^ mask]);
    }
  }
};

template <class F>
void for_each(Stream stream, i64 n, const F& f) {
  if (n <= 0) return;
  launch_on_host(stream, [f, n] {
    const bool from_the_end = backwards();
    for (i64 i = 0; i < n; ++i) f(from_the_end ? n - 1 - i : i);
  });
}

template <class F>
void for_each_team(Stream stream, i64 teams, i64 work, const F& f) {
  if (teams <= 0) return;
  launch_on_host(stream, [f, teams, threads = work <= kWarpWork ? kWarpThreads : kBlockThreads] {
    for (i64 i = 0; i < teams; ++i) run_team(threads, [&](int rank) { f(SimulatedTeam{rank, threads}, i); });
  });
}

template <class F>
void for_each_block(Stream stream, i64 blocks, const F& f) {
  if (blocks <= 0) return;
  launch_on_host(stream, [f, blocks] {
    for (i64 i = 0; i < blocks; ++i) {
      typename F::Shared shared;
      std::memset(static_cast<void*>(&shared), 0xff, sizeof shared);  // of whoever had it before
      run_team(kBlockThreads, [&](int rank) { f(SimulatedTeam{rank, kBlockThreads}, shared, i); });
    }
  });
}

#endif

}  // namespace keratin::cuda
