// A keyed permutation of [0, n): the order of an epoch, computed element by element by the same code on every device.
#pragma once

#include <cstdint>

#include "keratin/core/tensor/philox.h"

namespace keratin {

// A permutation of the numbers of the next even number of bits: a four-round Feistel network under `key`.
class FeistelNetwork {
 public:
  KERATIN_HOST_DEVICE FeistelNetwork(std::uint64_t n, std::uint64_t key) : key_(key) {
    while ((std::uint64_t{1} << (2 * half_)) < n) ++half_;
  }
  KERATIN_HOST_DEVICE std::uint64_t operator()(std::uint64_t index) const {
    const std::uint64_t mask = (std::uint64_t{1} << half_) - 1;
    std::uint64_t left = index >> half_, right = index & mask;
    for (std::uint32_t round = 0; round < 4; ++round) {
      // One multiply-xor mix of the half, the key and the round (the finaliser of MurmurHash3, a public-domain design).
      std::uint64_t mix = right ^ (key_ + 0x9E3779B97F4A7C15u * (round + 1));
      mix = (mix ^ (mix >> 33)) * 0xFF51AFD7ED558CCDu;
      mix = (mix ^ (mix >> 33)) * 0xC4CEB9FE1A85EC53u;
      mix ^= mix >> 33;
      const std::uint64_t next = left ^ (mix & mask);
      left = right;
      right = next;
    }
    return (left << half_) | right;
  }

 private:
  std::uint64_t key_;
  int half_ = 1;  // bits
};

// Where `index` goes under `key`: the network, walked until the result is below n (at most four times on average).
KERATIN_HOST_DEVICE inline std::uint64_t permute_index(std::uint64_t index, std::uint64_t n, std::uint64_t key) {
  const FeistelNetwork network(n, key);
  do {
    index = network(index);
  } while (index >= n);
  return index;
}

}  // namespace keratin
