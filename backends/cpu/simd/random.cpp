// Random tensors and dropout from the counter-based generator of core/tensor/philox.h.
#include "keratin/backends/cpu/simd/families.h"
#include "keratin/backends/cpu/simd/math.h"

namespace keratin::cpu::KERATIN_ISA {
namespace {

using math::u32;
using u64 = std::uint64_t;

// Blocks computed side by side. The generator is written out here once more because the shared header's inline
// functions would be merged across instruction sets; the tests compare the two.
constexpr i64 kBlocks = 16;
constexpr i64 kWords = 4 * kBlocks;

// words[4·b + i] is word i of block first + b.
KERATIN_INLINE void random_words(u64 stream, u64 step, u64 first, u32* words) {
  u32 x0[kBlocks], x1[kBlocks], x2[kBlocks], x3[kBlocks];
  for (i64 b = 0; b < kBlocks; ++b) {
    const u64 block = first + static_cast<u64>(b);
    x0[b] = static_cast<u32>(block);
    x1[b] = static_cast<u32>(block >> 32);
    x2[b] = static_cast<u32>(step);
    x3[b] = static_cast<u32>(step >> 32);
  }
  u32 key0 = static_cast<u32>(stream), key1 = static_cast<u32>(stream >> 32);
  for (int round = 0; round < 10; ++round) {
    for (i64 b = 0; b < kBlocks; ++b) {
      const u64 p0 = u64{0xD2511F53u} * x0[b], p1 = u64{0xCD9E8D57u} * x2[b];
      x0[b] = static_cast<u32>(p1 >> 32) ^ x1[b] ^ key0;
      x1[b] = static_cast<u32>(p1);
      x2[b] = static_cast<u32>(p0 >> 32) ^ x3[b] ^ key1;
      x3[b] = static_cast<u32>(p0);
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  for (i64 b = 0; b < kBlocks; ++b) {
    words[4 * b] = x0[b];
    words[4 * b + 1] = x1[b];
    words[4 * b + 2] = x2[b];
    words[4 * b + 3] = x3[b];
  }
}

KERATIN_INLINE float unit(u32 word) { return static_cast<float>(static_cast<int>(word >> 8)) * (1.0f / 16777216.0f); }

// f(words, index of the first of them in the range, count): the words of the elements [first, first + n) in order.
template <class F>
KERATIN_INLINE void for_words(u64 stream, u64 step, i64 first, i64 n, F&& f) {
  u32 words[kWords];
  for (i64 done = 0; done < n;) {
    const i64 element = first + done, skip = element % 4;
    random_words(stream, step, static_cast<u64>(element / 4), words);
    const i64 count = n - done < kWords - skip ? n - done : kWords - skip;
    f(words + skip, done, count);
    done += count;
  }
}

template <class T>
void uniform(u64 stream, u64 step, i64 first, i64 n, T low, T high, T* y) {
  for_words(stream, step, first, n, [&](const u32* words, i64 at, i64 count) {
    for (i64 i = 0; i < count; ++i) y[at + i] = low + (high - low) * static_cast<T>(unit(words[i]));
  });
}

// Box-Muller on a pair of words (even, odd): radius from the even one, angle from the odd one.
KERATIN_INLINE float radius(u32 word) { return math::sqrt(-2.0f * math::log(1.0f - unit(word))); }
KERATIN_INLINE float angle(u32 word) { return 6.28318530717958648f * unit(word); }

template <class T>
void normal(u64 stream, u64 step, i64 first, i64 n, T mean, T stddev, T* y) {
  // Whole pairs are computed, so the words start at an even element.
  const i64 lead = first % 2;
  for_words(stream, step, first - lead, n + lead + (n + lead) % 2, [&](const u32* words, i64 at, i64 count) {
    float z[kWords];
    for (i64 i = 0; i < count / 2; ++i) {
      const float r = radius(words[2 * i]), a = angle(words[2 * i + 1]);
      z[2 * i] = r * math::sine(a, 1);
      z[2 * i + 1] = r * math::sine(a, 0);
    }
    for (i64 i = 0; i < count; ++i) {
      const i64 element = at + i - lead;
      if (element >= 0 && element < n) y[element] = mean + stddev * static_cast<T>(z[i]);
    }
  });
}

template <class T>
void dropout(u64 stream, u64 step, i64 first, i64 n, T rate, const T* x, T* y) {
  const T scale = T{1} / (T{1} - rate);
  for_words(stream, step, first, n, [&](const u32* words, i64 at, i64 count) {
    KERATIN_INDEPENDENT
    for (i64 i = 0; i < count; ++i) {
      const T kept = x[at + i] * scale;
      y[at + i] = static_cast<T>(unit(words[i])) >= rate ? kept : T{0};
    }
  });
}

template <class T>
void fill(FloatKernels<T>& kernels) {
  kernels.uniform = uniform<T>;
  kernels.normal = normal<T>;
  kernels.dropout = dropout<T>;
}

}  // namespace

void add_random(FloatKernels<float>& kernels) { fill(kernels); }
void add_random(FloatKernels<double>& kernels) { fill(kernels); }

}  // namespace keratin::cpu::KERATIN_ISA
