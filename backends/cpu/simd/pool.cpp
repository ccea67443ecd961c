// Max and average pooling over NHWC images.
#include "keratin/backends/cpu/simd/families.h"
#include "keratin/backends/cpu/simd/vec.h"

namespace keratin::cpu::KERATIN_ISA {
namespace {

// The part of a window that lies inside the image: taps [y0, y1) x [x0, x1) in input coordinates.
struct Window {
  i64 y0, y1, x0, x1;
  KERATIN_INLINE i64 count() const { return (y1 - y0) * (x1 - x0); }
};

KERATIN_INLINE i64 least(i64 a, i64 b) { return a < b ? a : b; }
KERATIN_INLINE i64 most(i64 a, i64 b) { return a > b ? a : b; }

KERATIN_INLINE Window window_of(const WindowShape& s, i64 oy, i64 ox) {
  const i64 y = oy * s.stride_h - s.pad_top, x = ox * s.stride_w - s.pad_left;
  const i64 y0 = most(y, 0), x0 = most(x, 0);
  return {y0, most(y0, least(y + s.kh, s.h)), x0, most(x0, least(x + s.kw, s.w))};
}

// f(image's x offset, y offset of the pixel, window) for every output pixel of the images.
template <class F>
KERATIN_INLINE void for_windows(const WindowShape& s, i64 n0, i64 n1, F&& f) {
  i64 pixel = n0 * s.oh * s.ow;
  for (i64 n = n0; n < n1; ++n) {
    for (i64 oy = 0; oy < s.oh; ++oy) {
      for (i64 ox = 0; ox < s.ow; ++ox, ++pixel) f(n * s.h * s.w * s.c, pixel * s.c, window_of(s, oy, ox));
    }
  }
}

template <class T>
constexpr T kLowest = sizeof(T) == 4 ? static_cast<T>(-__FLT_MAX__) : static_cast<T>(-__DBL_MAX__);

// f(i) for every channel, whole vectors first: with a known number of elements they become instructions without a loop.
template <class T, class F>
KERATIN_INLINE void for_channels(i64 channels, F&& f) {
  i64 i = 0;
  for (; i + Vec<T>::size <= channels; i += Vec<T>::size) {
    for (i64 lane = 0; lane < Vec<T>::size; ++lane) f(i + lane);
  }
  for (; i < channels; ++i) f(i);
}

// Windows of 2x2 that lie side by side in the image, as most are: the four taps of a channel at once.
KERATIN_INLINE bool is_halving(const WindowShape& s) {
  return s.kh == 2 && s.kw == 2 && s.stride_h == 2 && s.stride_w == 2 && s.pad_top == 0 && s.pad_left == 0 &&
         2 * s.oh <= s.h && 2 * s.ow <= s.w;
}

// f(offset of the window's first pixel, offset of the output pixel).
template <class F>
KERATIN_INLINE void for_halves(const WindowShape& s, i64 n0, i64 n1, F&& f) {
  i64 pixel = n0 * s.oh * s.ow * s.c;
  for (i64 n = n0; n < n1; ++n) {
    for (i64 oy = 0; oy < s.oh; ++oy) {
      i64 at = (n * s.h + 2 * oy) * s.w * s.c;
      for (i64 ox = 0; ox < s.ow; ++ox, at += 2 * s.c, pixel += s.c) f(at, pixel);
    }
  }
}

// The greater one; a NaN wins and stays.
template <class T>
KERATIN_INLINE T greater(T tap, T best) {
  return ((tap > best) | (tap != tap)) ? tap : best;
}

#if defined(__AVX512F__)
// The greatest of four for 16 channels, or the first n of them. NaN, which are rare, are looked for once.
KERATIN_INLINE void greatest(const float* a, const float* b, const float* c, const float* d, float* best,
                             __mmask16 used) {
  const __m512 va = _mm512_maskz_loadu_ps(used, a), vb = _mm512_maskz_loadu_ps(used, b);
  const __m512 vc = _mm512_maskz_loadu_ps(used, c), vd = _mm512_maskz_loadu_ps(used, d);
  // Of equal numbers, which may be zeros of either sign, maxps takes its second.
  __m512 most = _mm512_max_ps(_mm512_max_ps(vd, vc), _mm512_max_ps(vb, va));
  const __mmask16 nan =
      static_cast<__mmask16>(_mm512_cmp_ps_mask(va, vb, _CMP_UNORD_Q) | _mm512_cmp_ps_mask(vc, vd, _CMP_UNORD_Q));
  if (__builtin_expect(nan != 0, 0)) most = _mm512_mask_add_ps(most, nan, _mm512_add_ps(va, vb), _mm512_add_ps(vc, vd));
  _mm512_mask_storeu_ps(best, used, most);
}
#endif

template <class T>
void max_pool_halves(const WindowShape& s, i64 n0, i64 n1, const T* x, T* y) {
  const i64 channels = s.c, line = s.w * s.c;
  for_halves(s, n0, n1, [&](i64 at, i64 pixel) {
    const T* __restrict a = x + at, * __restrict b = a + channels, * __restrict c = a + line, * __restrict d = b + line;
    T* __restrict best = y + pixel;
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      for (i64 i = 0; i < channels; i += 16) {
        greatest(a + i, b + i, c + i, d + i, best + i, Vec<float>::mask(least(16, channels - i)));
      }
      return;
    }
#endif
    for_channels<T>(channels, [&](i64 i) { best[i] = greater(d[i], greater(c[i], greater(b[i], a[i]))); });
  });
}

template <class T>
void max_pool(const WindowShape& s, i64 n0, i64 n1, const T* x, T* y) {
  if (is_halving(s)) return max_pool_halves(s, n0, n1, x, y);
  for_windows(s, n0, n1, [&](i64 image, i64 pixel, const Window& window) {
    T* __restrict best = y + pixel;
    const i64 channels = s.c;
    bool first = true;
    for (i64 iy = window.y0; iy < window.y1; ++iy) {
      for (i64 ix = window.x0; ix < window.x1; ++ix, first = false) {
        const T* __restrict tap = x + image + (iy * s.w + ix) * channels;
        if (first) {
          for (i64 i = 0; i < channels; ++i) best[i] = tap[i];
        } else {
          // A NaN wins and stays.
          for (i64 i = 0; i < channels; ++i) best[i] = ((tap[i] > best[i]) | (tap[i] != tap[i])) ? tap[i] : best[i];
        }
      }
    }
    if (first) {
      for (i64 i = 0; i < channels; ++i) best[i] = kLowest<T>;
    }
  });
}

template <class T>
KERATIN_INLINE void zero_images(const WindowShape& s, i64 n0, i64 n1, T* dx) {
  const i64 image = s.h * s.w * s.c;
  for (i64 i = n0 * image; i < n1 * image; ++i) dx[i] = T{0};
}

// Every element is written once.
template <class T>
void max_pool_gradient_halves(const WindowShape& s, i64 n0, i64 n1, const T* x, const T* y, const T* dy, T* dx) {
  using V = Vec<T>;
  const i64 channels = s.c, line = s.w * s.c;
  if (2 * s.oh != s.h || 2 * s.ow != s.w) zero_images(s, n0, n1, dx);  // what no window sees
  for_halves(s, n0, n1, [&](i64 at, i64 pixel) {
    const T* __restrict a = x + at, * __restrict b = a + channels, * __restrict c = a + line, * __restrict d = b + line;
    T* __restrict da = dx + at, * __restrict db = da + channels, * __restrict dc = da + line, * __restrict dd = db + line;
    const T* __restrict best = y + pixel, * __restrict gradient = dy + pixel;
    // The first maximum gets all of the gradient.
    i64 i = 0;
    for (; i + V::size <= channels; i += V::size) {
      const V most = V::load(best + i);
      V left = V::load(gradient + i);
      V::give(V::load(a + i), most, left).store(da + i);
      V::give(V::load(b + i), most, left).store(db + i);
      V::give(V::load(c + i), most, left).store(dc + i);
      V::give(V::load(d + i), most, left).store(dd + i);
    }
    if (i == channels) return;
    const i64 rest = channels - i;
    const V most = V::load_first(best + i, rest);
    V left = V::load_first(gradient + i, rest);
    V::give(V::load_first(a + i, rest), most, left).store_first(da + i, rest);
    V::give(V::load_first(b + i, rest), most, left).store_first(db + i, rest);
    V::give(V::load_first(c + i, rest), most, left).store_first(dc + i, rest);
    V::give(V::load_first(d + i, rest), most, left).store_first(dd + i, rest);
  });
}

template <class T>
void max_pool_gradient(const WindowShape& s, i64 n0, i64 n1, const T* x, const T* y, const T* dy, T* dx) {
  if (is_halving(s)) return max_pool_gradient_halves(s, n0, n1, x, y, dy, dx);
  constexpr i64 kChunk = 64;
  zero_images(s, n0, n1, dx);
  for_windows(s, n0, n1, [&](i64 image, i64 pixel, const Window& window) {
    for (i64 c0 = 0; c0 < s.c; c0 += kChunk) {
      const i64 channels = least(kChunk, s.c - c0);
      T left[kChunk];  // the gradient that has not found its maximum yet
      const T* __restrict best = y + pixel + c0;
      for (i64 i = 0; i < channels; ++i) left[i] = dy[pixel + c0 + i];
      for (i64 iy = window.y0; iy < window.y1; ++iy) {
        for (i64 ix = window.x0; ix < window.x1; ++ix) {
          const i64 at = image + (iy * s.w + ix) * s.c + c0;
          const T* __restrict tap = x + at;
          T* __restrict out = dx + at;
          for (i64 i = 0; i < channels; ++i) {
            const bool hit = (tap[i] == best[i]) | ((tap[i] != tap[i]) & (best[i] != best[i]));
            const T given = hit ? left[i] : T{0};
            out[i] += given;
            left[i] = hit ? T{0} : left[i];
          }
        }
      }
    }
  });
}

// Of four taps the first maximum (or NaN), and its number.
template <class T>
KERATIN_INLINE void first_maximum(const T* a, const T* b, const T* c, const T* d, T* most, std::uint8_t* taps) {
  T best = *a;
  int which = 0, number = 0;
  for (const T* tap : {a, b, c, d}) {
    if ((*tap > best) | ((*tap != *tap) & (best == best))) {
      best = *tap;
      which = number;
    }
    ++number;
  }
  *most = best;
  *taps = static_cast<std::uint8_t>(which);
}

// The gradient goes to the tap of that number.
template <class T>
KERATIN_INLINE void give_to_tap(const std::uint8_t* taps, const T* gradient, T* a, T* b, T* c, T* d) {
  const int which = *taps;
  const T g = *gradient;
  *a = which == 0 ? g : T{0};
  *b = which == 1 ? g : T{0};
  *c = which == 2 ? g : T{0};
  *d = which == 3 ? g : T{0};
}

#if defined(__AVX512F__)
// The same for 16 channels, or the first n of them: the compiler does not find this by itself.
KERATIN_INLINE void first_maxima(const float* a, const float* b, const float* c, const float* d, float* most,
                                 std::uint8_t* taps, __mmask16 used) {
  const __m512 taps_of[] = {_mm512_maskz_loadu_ps(used, a), _mm512_maskz_loadu_ps(used, b),
                            _mm512_maskz_loadu_ps(used, c), _mm512_maskz_loadu_ps(used, d)};
  // NaN, which are rare, are looked for once.
  const bool nan = (_mm512_cmp_ps_mask(taps_of[0], taps_of[1], _CMP_UNORD_Q) |
                    _mm512_cmp_ps_mask(taps_of[2], taps_of[3], _CMP_UNORD_Q)) != 0;
  __m512 best = taps_of[0];
  __m512i which = _mm512_setzero_si512();
#pragma GCC unroll 3
  for (int number = 1; number < 4; ++number) {
    const __m512 tap = taps_of[number];
    __mmask16 wins = _mm512_cmp_ps_mask(tap, best, _CMP_GT_OQ);
    if (__builtin_expect(nan, 0)) {
      wins = static_cast<__mmask16>(
          wins | (_mm512_cmp_ps_mask(tap, tap, _CMP_UNORD_Q) & _mm512_cmp_ps_mask(best, best, _CMP_ORD_Q)));
    }
    best = _mm512_mask_mov_ps(best, wins, tap);
    which = _mm512_mask_mov_epi32(which, wins, _mm512_set1_epi32(number));
  }
  _mm512_mask_storeu_ps(most, used, best);
  _mm512_mask_cvtepi32_storeu_epi8(taps, used, which);
}
KERATIN_INLINE void give_to_taps(const std::uint8_t* taps, const float* gradient, float* a, float* b, float* c,
                                 float* d, __mmask16 used) {
  const __m512i which = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(used, taps));
  const __m512 g = _mm512_maskz_loadu_ps(used, gradient);
  int number = 0;
  for (float* to : {a, b, c, d}) {
    const __mmask16 hit = _mm512_cmpeq_epi32_mask(which, _mm512_set1_epi32(number++));
    _mm512_mask_storeu_ps(to, used, _mm512_maskz_mov_ps(hit, g));
  }
}
#elif defined(__AVX2__)
// The same for 8 channels: the compiler does not find this by itself.
KERATIN_INLINE void first_maxima(const float* a, const float* b, const float* c, const float* d, float* most,
                                 std::uint8_t* taps) {
  __m256 best = _mm256_loadu_ps(a), which = _mm256_setzero_ps();
  int number = 0;
  for (const float* from : {b, c, d}) {
    const __m256 tap = _mm256_loadu_ps(from);
    const __m256 wins =
        _mm256_or_ps(_mm256_cmp_ps(tap, best, _CMP_GT_OQ),
                     _mm256_and_ps(_mm256_cmp_ps(tap, tap, _CMP_UNORD_Q), _mm256_cmp_ps(best, best, _CMP_ORD_Q)));
    best = _mm256_blendv_ps(best, tap, wins);
    which = _mm256_blendv_ps(which, _mm256_castsi256_ps(_mm256_set1_epi32(++number)), wins);
  }
  _mm256_storeu_ps(most, best);
  const __m256i numbers = _mm256_castps_si256(which);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(numbers), _mm256_extracti128_si256(numbers, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(taps), _mm_packus_epi16(words, words));
}
KERATIN_INLINE void give_to_taps(const std::uint8_t* taps, const float* gradient, float* a, float* b, float* c,
                                 float* d) {
  const __m256i which = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(taps)));
  const __m256 g = _mm256_loadu_ps(gradient);
  int number = 0;
  for (float* to : {a, b, c, d}) {
    const __m256i hit = _mm256_cmpeq_epi32(which, _mm256_set1_epi32(number++));
    _mm256_storeu_ps(to, _mm256_and_ps(_mm256_castsi256_ps(hit), g));
  }
}
#endif

template <class T>
void max_pool_index_halves(const WindowShape& s, i64 n0, i64 n1, const T* x, T* y, std::uint8_t* index) {
  const i64 channels = s.c, line = s.w * s.c;
  for_halves(s, n0, n1, [&](i64 at, i64 pixel) {
    const T *a = x + at, *b = a + channels, *c = a + line, *d = b + line;
    i64 i = 0;
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      for (; i < channels; i += 16) {
        first_maxima(a + i, b + i, c + i, d + i, y + pixel + i, index + pixel + i,
                     Vec<float>::mask(least(16, channels - i)));
      }
    }
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) {
      for (; i + 8 <= channels; i += 8) {
        first_maxima(a + i, b + i, c + i, d + i, y + pixel + i, index + pixel + i);
      }
    }
#endif
    for (; i < channels; ++i) first_maximum(a + i, b + i, c + i, d + i, y + pixel + i, index + pixel + i);
  });
}

template <class T>
void max_pool_index(const WindowShape& s, i64 n0, i64 n1, const T* x, T* y, std::uint8_t* index) {
  if (is_halving(s)) return max_pool_index_halves(s, n0, n1, x, y, index);
  i64 pixel = n0 * s.oh * s.ow;
  for (i64 n = n0; n < n1; ++n) {
    for (i64 oy = 0; oy < s.oh; ++oy) {
      for (i64 ox = 0; ox < s.ow; ++ox, ++pixel) {
        const Window window = window_of(s, oy, ox);
        const i64 top = oy * s.stride_h - s.pad_top, left = ox * s.stride_w - s.pad_left;
        T* __restrict best = y + pixel * s.c;
        std::uint8_t* __restrict which = index + pixel * s.c;
        bool first = true;
        for (i64 iy = window.y0; iy < window.y1; ++iy) {
          for (i64 ix = window.x0; ix < window.x1; ++ix, first = false) {
            const T* __restrict tap = x + ((n * s.h + iy) * s.w + ix) * s.c;
            const auto number = static_cast<std::uint8_t>((iy - top) * s.kw + ix - left);
            for (i64 i = 0; i < s.c; ++i) {
              const bool wins = first | (tap[i] > best[i]) | ((tap[i] != tap[i]) & (best[i] == best[i]));
              best[i] = wins ? tap[i] : best[i];
              which[i] = wins ? number : which[i];
            }
          }
        }
      }
    }
  }
}

// Every element is written once.
template <class T>
void max_pool_index_gradient_halves(const WindowShape& s, i64 n0, i64 n1, const std::uint8_t* index, const T* dy,
                                    T* dx) {
  const i64 channels = s.c, line = s.w * s.c;
  if (2 * s.oh != s.h || 2 * s.ow != s.w) zero_images(s, n0, n1, dx);  // what no window sees
  for_halves(s, n0, n1, [&](i64 at, i64 pixel) {
    T *a = dx + at, *b = a + channels, *c = a + line, *d = b + line;
    i64 i = 0;
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      for (; i < channels; i += 16) {
        give_to_taps(index + pixel + i, dy + pixel + i, a + i, b + i, c + i, d + i,
                     Vec<float>::mask(least(16, channels - i)));
      }
    }
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) {
      for (; i + 8 <= channels; i += 8) {
        give_to_taps(index + pixel + i, dy + pixel + i, a + i, b + i, c + i, d + i);
      }
    }
#endif
    for (; i < channels; ++i) give_to_tap(index + pixel + i, dy + pixel + i, a + i, b + i, c + i, d + i);
  });
}

template <class T>
void max_pool_index_gradient(const WindowShape& s, i64 n0, i64 n1, const std::uint8_t* index, const T* dy, T* dx) {
  if (is_halving(s)) return max_pool_index_gradient_halves(s, n0, n1, index, dy, dx);
  zero_images(s, n0, n1, dx);
  i64 pixel = n0 * s.oh * s.ow;
  for (i64 n = n0; n < n1; ++n) {
    for (i64 oy = 0; oy < s.oh; ++oy) {
      for (i64 ox = 0; ox < s.ow; ++ox, ++pixel) {
        const i64 top = oy * s.stride_h - s.pad_top, left = ox * s.stride_w - s.pad_left;
        for (i64 i = 0; i < s.c; ++i) {
          const i64 tap = index[pixel * s.c + i], iy = top + tap / s.kw, ix = left + tap % s.kw;
          if (iy < 0 || iy >= s.h || ix < 0 || ix >= s.w) continue;  // no tap of the image
          dx[((n * s.h + iy) * s.w + ix) * s.c + i] += dy[pixel * s.c + i];
        }
      }
    }
  }
}

template <class T>
void average_pool(const WindowShape& s, i64 n0, i64 n1, const T* x, T* y) {
  for_windows(s, n0, n1, [&](i64 image, i64 pixel, const Window& window) {
    T* __restrict sum = y + pixel;
    const i64 channels = s.c, count = window.count();
    for (i64 i = 0; i < channels; ++i) sum[i] = T{0};
    for (i64 iy = window.y0; iy < window.y1; ++iy) {
      for (i64 ix = window.x0; ix < window.x1; ++ix) {
        const T* __restrict tap = x + image + (iy * s.w + ix) * channels;
        for (i64 i = 0; i < channels; ++i) sum[i] += tap[i];
      }
    }
    if (count > 1) {
      const T scale = T{1} / static_cast<T>(count);
      for (i64 i = 0; i < channels; ++i) sum[i] *= scale;
    }
  });
}

template <class T>
void average_pool_gradient(const WindowShape& s, i64 n0, i64 n1, const T* dy, T* dx) {
  zero_images(s, n0, n1, dx);
  for_windows(s, n0, n1, [&](i64 image, i64 pixel, const Window& window) {
    const i64 channels = s.c, count = window.count();
    if (count <= 0) return;
    const T scale = T{1} / static_cast<T>(count);
    const T* __restrict gradient = dy + pixel;
    for (i64 iy = window.y0; iy < window.y1; ++iy) {
      for (i64 ix = window.x0; ix < window.x1; ++ix) {
        T* __restrict out = dx + image + (iy * s.w + ix) * channels;
        for (i64 i = 0; i < channels; ++i) out[i] += gradient[i] * scale;
      }
    }
  });
}

template <class T>
void fill(FloatKernels<T>& kernels) {
  kernels.max_pool = max_pool<T>;
  kernels.max_pool_gradient = max_pool_gradient<T>;
  kernels.max_pool_index = max_pool_index<T>;
  kernels.max_pool_index_gradient = max_pool_index_gradient<T>;
  kernels.average_pool = average_pool<T>;
  kernels.average_pool_gradient = average_pool_gradient<T>;
}

}  // namespace

void add_pool(FloatKernels<float>& kernels) { fill(kernels); }
void add_pool(FloatKernels<double>& kernels) { fill(kernels); }

}  // namespace keratin::cpu::KERATIN_ISA
