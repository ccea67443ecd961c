// float32 numbers as bfloat16, rounded to nearest, ties to even: one, or the sum of two (what the first leaves over,
// rounded again). Two that are neighbours along k make a word of 32 bits, the first one in its low half.
#pragma once

#include "keratin/backends/cpu/simd/lines.h"

namespace keratin::cpu::KERATIN_ISA {

using u16 = std::uint16_t;
using u32 = std::uint32_t;

constexpr i64 kSquare = 16;             // words that are transposed together, each way
constexpr i64 kRun = 2 * kSquare;       // numbers in a row of these words
constexpr u32 kTooLarge = 0x7f7f'8000;  // magnitudes from here on become infinite; NaNs' bits are above, too

KERATIN_INLINE i64 up(i64 a, i64 unit) { return (a + unit - 1) / unit * unit; }

#if defined(__AVX512BF16__)

// Remembers whether any number was infinite or not a number after rounding.
class Overflow {
 public:
  KERATIN_INLINE void see(__m512i pairs) {
    most_ = _mm512_max_epu16(most_, _mm512_and_si512(pairs, _mm512_set1_epi16(0x7fff)));
  }
  bool found() const { return _mm512_cmpge_epu16_mask(most_, _mm512_set1_epi16(0x7f80)) != 0; }

 private:
  __m512i most_ = _mm512_setzero_si512();
};

KERATIN_INLINE __mmask16 first16(i64 n) { return static_cast<__mmask16>(n >= 16 ? 0xffff : n <= 0 ? 0 : (1 << n) - 1); }
KERATIN_INLINE __mmask32 first32(i64 n) {
  return n >= 32 ? 0xffff'ffffu : n <= 0 ? 0u : (static_cast<__mmask32>(1) << n) - 1;
}
// a in the low half.
KERATIN_INLINE __m512i rounded(__m512 a, __m512 b) { return (__m512i)_mm512_cvtne2ps_pbh(b, a); }
KERATIN_INLINE __m512 widened(__m256i x) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}

// The numbers of a run as bfloat16, and zeros behind them up to `padded`. `low` is null for one part.
inline void split_run(const float* x, i64 n, i64 padded, u16* high, u16* low, Overflow& overflow) {
  for (i64 i = 0; i < padded; i += 32) {
    const __m512 a = _mm512_maskz_loadu_ps(first16(n - i), x + i);
    const __m512 b = _mm512_maskz_loadu_ps(first16(n - i - 16), x + i + 16);
    const __m512i h = rounded(a, b);
    overflow.see(h);
    _mm512_mask_storeu_epi16(high + i, first32(padded - i), h);
    if (!low) continue;
    const __m512 rest_a = _mm512_sub_ps(a, widened(_mm512_castsi512_si256(h)));
    const __m512 rest_b = _mm512_sub_ps(b, widened(_mm512_extracti64x4_epi64(h, 1)));
    _mm512_mask_storeu_epi16(low + i, first32(padded - i), rounded(rest_a, rest_b));
  }
}

// Words of two runs, and zeros behind them up to `padded`; x1 is null where there is no second number.
KERATIN_INLINE void pair_runs(const float* x0, const float* x1, i64 n, i64 padded, u32* high, u32* low,
                              Overflow& overflow) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const i64 n1 = x1 ? n : 0;
  if (!x1) x1 = x0;
  for (i64 i = 0; i < padded; i += 16) {
    const bool whole = i + 16 <= n1;
    const __m512 a = whole ? _mm512_loadu_ps(x0 + i) : _mm512_maskz_loadu_ps(first16(n - i), x0 + i);
    const __m512 b = whole ? _mm512_loadu_ps(x1 + i) : _mm512_maskz_loadu_ps(first16(n1 - i), x1 + i);
    const __m512i h = _mm512_permutexvar_epi16(order, rounded(a, b));
    overflow.see(h);
    _mm512_mask_storeu_epi32(high + i, first16(padded - i), h);
    if (!low) continue;
    const __m512 rest_a = _mm512_sub_ps(a, _mm512_castsi512_ps(_mm512_slli_epi32(h, 16)));
    const __m512 rest_b =
        _mm512_sub_ps(b, _mm512_castsi512_ps(_mm512_and_si512(h, _mm512_set1_epi32(static_cast<int>(0xffff'0000)))));
    _mm512_mask_storeu_epi32(low + i, first16(padded - i), _mm512_permutexvar_epi16(order, rounded(rest_a, rest_b)));
  }
}

// 16 x 16 words; rows are `from_row` and `to_row` bytes apart.
inline void transpose_words(const void* from, i64 from_row, void* to, i64 to_row) {
  __m512i r[16], t[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) r[i] = _mm512_loadu_si512(static_cast<const char*>(from) + i * from_row);
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
#pragma GCC unroll 4
  for (int g = 0; g < 16; g += 4) {
    r[g] = _mm512_unpacklo_epi64(t[g], t[g + 2]);
    r[g + 1] = _mm512_unpackhi_epi64(t[g], t[g + 2]);
    r[g + 2] = _mm512_unpacklo_epi64(t[g + 1], t[g + 3]);
    r[g + 3] = _mm512_unpackhi_epi64(t[g + 1], t[g + 3]);
  }
  // Lane l of r[g + c] now holds column 4 l + c of the rows g to g + 3.
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    const __m512i a = _mm512_shuffle_i32x4(r[c], r[4 + c], 0x88), b = _mm512_shuffle_i32x4(r[c], r[4 + c], 0xdd);
    const __m512i e = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0x88);
    const __m512i f = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0xdd);
    char* at = static_cast<char*>(to) + c * to_row;
    _mm512_storeu_si512(at, _mm512_shuffle_i32x4(a, e, 0x88));
    _mm512_storeu_si512(at + 4 * to_row, _mm512_shuffle_i32x4(b, f, 0x88));
    _mm512_storeu_si512(at + 8 * to_row, _mm512_shuffle_i32x4(a, e, 0xdd));
    _mm512_storeu_si512(at + 12 * to_row, _mm512_shuffle_i32x4(b, f, 0xdd));
  }
}

#else

class Overflow {
 public:
  void see(u32 pair) { found_ |= (pair & 0x7f80) == 0x7f80 || (pair & 0x7f80'0000) == 0x7f80'0000; }
  bool found() const { return found_; }

 private:
  bool found_ = false;
};

inline u16 rounded(float x) {
  u32 bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  if ((bits & 0x7f80'0000) == 0x7f80'0000) return 0x7fc0;  // only that it is not finite counts
  return static_cast<u16>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline float widened(u16 x) {
  const u32 bits = static_cast<u32>(x) << 16;
  float result;
  __builtin_memcpy(&result, &bits, sizeof result);
  return result;
}
inline void split(float x, u16& high, u16& low, Overflow& overflow) {
  high = rounded(x);
  overflow.see(high);
  low = rounded(x - widened(high));
}

inline void split_run(const float* x, i64 n, i64 padded, u16* high, u16* low, Overflow& overflow) {
  for (i64 i = 0; i < padded; ++i) {
    u16 h, l;
    split(i < n ? x[i] : 0.0f, h, l, overflow);
    high[i] = h;
    if (low) low[i] = l;
  }
}

inline void pair_runs(const float* x0, const float* x1, i64 n, i64 padded, u32* high, u32* low, Overflow& overflow) {
  for (i64 i = 0; i < padded; ++i) {
    u16 h[2], l[2];
    split(i < n ? x0[i] : 0.0f, h[0], l[0], overflow);
    split(i < n && x1 ? x1[i] : 0.0f, h[1], l[1], overflow);
    high[i] = static_cast<u32>(h[1]) << 16 | h[0];
    if (low) low[i] = static_cast<u32>(l[1]) << 16 | l[0];
  }
}

inline void transpose_words(const void* from, i64 from_row, void* to, i64 to_row) {
  for (i64 i = 0; i < kSquare; ++i) {
    for (i64 j = 0; j < kSquare; ++j) {
      __builtin_memcpy(static_cast<char*>(to) + j * to_row + i * 4,
                       static_cast<const char*>(from) + i * from_row + j * 4, 4);
    }
  }
}

#endif

// Whether all numbers of a matrix stay finite when rounded.
inline bool all_fit(const float* x, i64 rows, i64 columns, i64 row) {
  u32 large = 0;
  for (i64 i = 0; i < rows; ++i, x += row) {
    for (i64 j = 0; j < columns; ++j) {
      u32 bits;
      __builtin_memcpy(&bits, x + j, sizeof bits);
      large |= (bits & 0x7fff'ffff) >= kTooLarge;
    }
  }
  return large == 0;
}

// A matrix as the left operand: rows of bfloat16, `row` elements apart, with zeros behind k up to `depth`. There is
// room for multiples of 16 rows and of 32 elements, which may be written, too. Transposed, it is stored as (k, rows).
inline void pack_left(const float* a, i64 lda, bool transposed, i64 rows, i64 k, i64 depth, u16* high, u16* low,
                      i64 row, Overflow& overflow) {
  if (!transposed) {
    for (i64 r = 0; r < rows; ++r)
      split_run(a + r * lda, k, depth, high + r * row, low ? low + r * row : low, overflow);
    return;
  }
  constexpr i64 kWide = 4 * kSquare;  // runs of the stored matrix that are read at once
  alignas(64) u32 words[2][kSquare * kWide];
  for (i64 r = 0; r < rows; r += kWide) {
    const i64 wide = least(kWide, rows - r), step = up(wide, kSquare);
    for (i64 p = 0; p < depth; p += kRun) {
      for (i64 i = 0; i < least(kSquare, (depth - p + 1) / 2); ++i) {
        const i64 at = p + 2 * i;
        pair_runs(at < k ? a + at * lda + r : a, at + 1 < k ? a + (at + 1) * lda + r : nullptr, at < k ? wide : 0, step,
                  words[0] + i * step, low ? words[1] + i * step : nullptr, overflow);
      }
      for (i64 q = 0; q < wide; q += kSquare) {
        transpose_words(words[0] + q, 4 * step, high + (r + q) * row + p, 2 * row);
        if (low) transpose_words(words[1] + q, 4 * step, low + (r + q) * row + p, 2 * row);
      }
    }
  }
}

// `cols` columns as the right operand: a row of `width` words (a multiple of 16) for each two of the k rows, zeros in
// what is left of the width and behind k up to `depth`. There is room for a multiple of 32 in depth. Transposed, it is
// stored as (cols, k).
inline void pack_right(const float* b, i64 ldb, bool transposed, i64 cols, i64 width, i64 k, i64 depth, u32* high,
                       u32* low, Overflow& overflow) {
  if (!transposed) {
    for (i64 p = 0; p < depth; p += 2) {
      pair_runs(p < k ? b + p * ldb : b, p + 1 < k ? b + (p + 1) * ldb : nullptr, p < k ? cols : 0, width,
                high + p / 2 * width, low ? low + p / 2 * width : low, overflow);
    }
    return;
  }
  alignas(64) u16 square[2][kSquare * kRun];
  for (i64 j = 0; j < width; j += kSquare) {
    for (i64 p = 0; p < depth; p += kRun) {
      for (i64 i = 0; i < kSquare; ++i) {
        const bool there = j + i < cols;
        split_run(there ? b + (j + i) * ldb + p : b, there ? least(kRun, k - p) : 0, kRun, square[0] + i * kRun,
                  low ? square[1] + i * kRun : nullptr, overflow);
      }
      transpose_words(square[0], 2 * kRun, high + p / 2 * width + j, 4 * width);
      if (low) transpose_words(square[1], 2 * kRun, low + p / 2 * width + j, 4 * width);
    }
  }
}

}  // namespace keratin::cpu::KERATIN_ISA
