// The CPU backend's persistent worker threads: fork and join in microseconds, no allocation per call.
// What a chunk computes must not depend on which thread runs it; callers choose chunks by sizes only, so results do not
// depend on the number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace keratin::cpu {

using ChunkFn = void (*)(void* context, std::int64_t chunk);

// Calls fn(context, chunk) once for every chunk in [0, chunks), spread over the threads in contiguous runs; returns
// when all are done. The calling thread takes part. The calls run one after another in the calling thread when there is
// one thread or one chunk, inside another parallel_for, and while another thread is using the workers. An exception
// from a chunk reaches the caller once all threads have stopped (of several, that of the lowest run of chunks); chunks
// after it in the same run are skipped.
void parallel_for(std::int64_t chunks, ChunkFn fn, void* context);

// The same for a callable f(chunk).
template <class F>
void parallel_for(std::int64_t chunks, F&& f) {
  using Callable = std::remove_reference_t<F>;
  parallel_for(
      chunks, [](void* context, std::int64_t chunk) { (*static_cast<Callable*>(context))(chunk); },
      const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

// Threads in use, the calling one included. At first KERATIN_NUM_THREADS, or else the CPUs this process may use:
// the smallest of the hardware's, its affinity mask and its cgroup's quota. Throws InvalidArgument when
// KERATIN_NUM_THREADS is not a positive number.
int num_threads();

// Uses n threads from now on (at most 1024); waits for running work. Throws InvalidArgument unless 1 <= n <= 1024, and
// when called inside parallel_for.
void set_num_threads(int n);

}  // namespace keratin::cpu
