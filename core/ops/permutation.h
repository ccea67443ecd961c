// A keyed permutation of [0, n): the order of an epoch, computed element by element by the same code on every device.
#pragma once

#include <cstdint>

#include "keratin/core/tensor/philox.h"

namespace keratin {

// Where `index` goes under `key`. A four-round Feistel network over the next even number of bits, walked until the
// result is below n (at most four times on average).
KERATIN_HOST_DEVICE inline std::uint64_t permute_index(std::uint64_t index, std::uint64_t n, std::uint64_t key) {
  int half = 1;
  while ((std::uint64_t{1} << (2 * half)) < n) ++half;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  do {
    std::uint64_t left = index >> half, right = index & mask;
    for (std::uint32_t round = 0; round < 4; ++round) {
      // One multiply-xor mix of the half, the key and the round (the finaliser of MurmurHash3, a public-domain design).
      std::uint64_t mix = right ^ (key + 0x9E3779B97F4A7C15u * (round + 1));
      mix = (mix ^ (mix >> 33)) * 0xFF51AFD7ED558CCDu;
      mix = (mix ^ (mix >> 33)) * 0xC4CEB9FE1A85EC53u;
      mix ^= mix >> 33;
      const std::uint64_t next = left ^ (mix & mask);
      left = right;
      right = next;
    }
    index = (left << half) | right;
  } while (index >= n);
  return index;
}

}  // namespace keratin
