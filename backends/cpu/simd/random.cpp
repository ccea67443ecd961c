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

// Lanes of 64 bits, of which the lower halves count: products of 32-bit words then need no conversions.
#if defined(__AVX512F__)
struct Lanes {
  static constexpr i64 size = 8;
  __m512i v;
  static KERATIN_INLINE Lanes load(const u64* p) { return {_mm512_loadu_si512(p)}; }
  static KERATIN_INLINE Lanes all(u64 x) { return {_mm512_set1_epi64(static_cast<i64>(x))}; }
  KERATIN_INLINE void store(u64* p) const { _mm512_storeu_si512(p, v); }
  KERATIN_INLINE Lanes operator*(Lanes o) const { return {_mm512_mul_epu32(v, o.v)}; }
  KERATIN_INLINE Lanes operator^(Lanes o) const { return {_mm512_xor_si512(v, o.v)}; }
  KERATIN_INLINE Lanes upper() const { return {_mm512_srli_epi64(v, 32)}; }
};
#elif defined(__AVX2__)
struct Lanes {
  static constexpr i64 size = 4;
  __m256i v;
  static KERATIN_INLINE Lanes load(const u64* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
  static KERATIN_INLINE Lanes all(u64 x) { return {_mm256_set1_epi64x(static_cast<i64>(x))}; }
  KERATIN_INLINE void store(u64* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  KERATIN_INLINE Lanes operator*(Lanes o) const { return {_mm256_mul_epu32(v, o.v)}; }
  KERATIN_INLINE Lanes operator^(Lanes o) const { return {_mm256_xor_si256(v, o.v)}; }
  KERATIN_INLINE Lanes upper() const { return {_mm256_srli_epi64(v, 32)}; }
};
#else
struct Lanes {
  static constexpr i64 size = 2;
  __m128i v;
  static KERATIN_INLINE Lanes load(const u64* p) { return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))}; }
  static KERATIN_INLINE Lanes all(u64 x) { return {_mm_set1_epi64x(static_cast<i64>(x))}; }
  KERATIN_INLINE void store(u64* p) const { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }
  KERATIN_INLINE Lanes operator*(Lanes o) const { return {_mm_mul_epu32(v, o.v)}; }
  KERATIN_INLINE Lanes operator^(Lanes o) const { return {_mm_xor_si128(v, o.v)}; }
  KERATIN_INLINE Lanes upper() const { return {_mm_srli_epi64(v, 32)}; }
};
#endif

// words[4·b + i] is word i of block first + b.
KERATIN_INLINE void random_words(u64 stream, u64 step, u64 first, u32* words) {
  constexpr i64 kParts = kBlocks / Lanes::size;
  u64 low[kBlocks], high[kBlocks];
  for (i64 b = 0; b < kBlocks; ++b) {
    low[b] = first + static_cast<u64>(b);
    high[b] = low[b] >> 32;
  }
  Lanes x0[kParts], x1[kParts], x2[kParts], x3[kParts];
  for (i64 i = 0; i < kParts; ++i) {
    x0[i] = Lanes::load(low + i * Lanes::size);
    x1[i] = Lanes::load(high + i * Lanes::size);
    x2[i] = Lanes::all(step);
    x3[i] = Lanes::all(step >> 32);
  }
  const Lanes factor0 = Lanes::all(0xD2511F53u), factor1 = Lanes::all(0xCD9E8D57u);
  u32 key0 = static_cast<u32>(stream), key1 = static_cast<u32>(stream >> 32);
  for (int round = 0; round < 10; ++round) {
    const Lanes k0 = Lanes::all(key0), k1 = Lanes::all(key1);
    for (i64 i = 0; i < kParts; ++i) {
      const Lanes p0 = x0[i] * factor0, p1 = x2[i] * factor1;
      x0[i] = p1.upper() ^ x1[i] ^ k0;
      x1[i] = p1;
      x2[i] = p0.upper() ^ x3[i] ^ k1;
      x3[i] = p0;
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  u64 out[4][kBlocks];
  for (i64 i = 0; i < kParts; ++i) {
    x0[i].store(out[0] + i * Lanes::size);
    x1[i].store(out[1] + i * Lanes::size);
    x2[i].store(out[2] + i * Lanes::size);
    x3[i].store(out[3] + i * Lanes::size);
  }
  for (i64 b = 0; b < kBlocks; ++b) {
    for (i64 i = 0; i < 4; ++i) words[4 * b + i] = static_cast<u32>(out[i][b]);
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
