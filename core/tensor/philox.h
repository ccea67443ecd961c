// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (2011).
// The same code runs in CPU and CUDA kernels, so random numbers do not depend on the device or on threads.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define KERATIN_HOST_DEVICE __host__ __device__
#else
#define KERATIN_HOST_DEVICE
#endif

namespace keratin {

struct PhiloxBlock {
  std::uint32_t x[4];
};

// Four random words for a 128-bit counter and a 64-bit key.
KERATIN_HOST_DEVICE inline PhiloxBlock philox(PhiloxBlock counter, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * counter.x[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * counter.x[2];
    counter = {{static_cast<std::uint32_t>(p1 >> 32) ^ counter.x[1] ^ key0, static_cast<std::uint32_t>(p1),
                static_cast<std::uint32_t>(p0 >> 32) ^ counter.x[3] ^ key1, static_cast<std::uint32_t>(p0)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

// Element `index` of stream `stream` at step `step`: counter (index/4, step, ...) and key = stream.
// Every random op uses this addressing: word index%4 of the block.
KERATIN_HOST_DEVICE inline PhiloxBlock philox_at(std::uint64_t stream, std::uint64_t step, std::uint64_t block) {
  const PhiloxBlock counter{{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                             static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32)}};
  return philox(counter, static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32));
}

// A float in [0, 1) from the upper 24 bits of a word: every value is exactly representable.
KERATIN_HOST_DEVICE inline float uniform_from_bits(std::uint32_t word) {
  return static_cast<float>(word >> 8) * (1.0f / 16777216.0f);
}

}  // namespace keratin
