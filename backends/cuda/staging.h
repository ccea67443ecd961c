// Staging: pinned host memory through which copies go, so that an upload does not wait for the device and the caller's
// memory is free again when it returns.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "keratin/backends/cuda/context.h"

namespace keratin::cuda {

class Staging {
 public:
  explicit Staging(const Context& context);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  // Waits only while all of the pinned memory is on its way.
  void upload(void* to, std::span<const std::byte> from);
  // Waits for everything on the stream.
  void download(std::span<std::byte> to, const void* from);

 private:
  static constexpr std::size_t kBytes = std::size_t{1} << 20, kParts = 8;
  struct Part {
    std::byte* memory = nullptr;
    Event done = nullptr;
    bool busy = false;
  };
  Part& next();
  void release();

  const Context& context_;
  std::array<Part, kParts> parts_;
  std::size_t next_ = 0;
};

}  // namespace keratin::cuda
