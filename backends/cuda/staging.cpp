#include "keratin/backends/cuda/staging.h"

#include <algorithm>
#include <cstring>

namespace keratin::cuda {

Staging::Staging(const Context& context) : context_(context) {
  const RuntimeApi& api = runtime_api();
  try {
    for (Part& part : parts_) {
      void* memory = nullptr;
      check_runtime(api.allocate_pinned(&memory, kBytes), "cudaMallocHost");
      part.memory = static_cast<std::byte*>(memory);
      check_runtime(api.event_create(&part.done), "cudaEventCreate");
    }
  } catch (...) {
    release();
    throw;
  }
}

Staging::~Staging() { release(); }

void Staging::release() {
  const RuntimeApi& api = runtime_api();
  for (const Part& part : parts_) {
    if (part.done) api.event_destroy(part.done);
    if (part.memory) api.release_pinned(part.memory);
  }
}

Staging::Part& Staging::next() {
  Part& part = parts_[next_];
  next_ = (next_ + 1) % kParts;
  if (part.busy) check_runtime(runtime_api().event_synchronize(part.done), "cudaEventSynchronize");
  part.busy = false;
  return part;
}

void Staging::upload(void* to, std::span<const std::byte> from) {
  const RuntimeApi& api = runtime_api();
  for (std::size_t at = 0; at < from.size(); at += kBytes) {
    const std::size_t bytes = std::min(kBytes, from.size() - at);
    Part& part = next();
    std::memcpy(part.memory, from.data() + at, bytes);
    check_runtime(api.copy_to_device(static_cast<std::byte*>(to) + at, part.memory, bytes, context_.stream()),
                  "cudaMemcpyAsync");
    check_runtime(api.event_record(part.done, context_.stream()), "cudaEventRecord");
    part.busy = true;
  }
}

void Staging::download(std::span<std::byte> to, const void* from) {
  const RuntimeApi& api = runtime_api();
  for (std::size_t at = 0; at < to.size(); at += kBytes) {
    const std::size_t bytes = std::min(kBytes, to.size() - at);
    Part& part = next();
    check_runtime(api.copy_to_host(part.memory, static_cast<const std::byte*>(from) + at, bytes, context_.stream()),
                  "cudaMemcpyAsync");
    check_runtime(api.stream_synchronize(context_.stream()), "cudaStreamSynchronize");
    std::memcpy(to.data() + at, part.memory, bytes);
  }
}

}  // namespace keratin::cuda
