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

template <class T>
void max_pool_halves(const WindowShape& s, i64 n0, i64 n1, const T* x, T* y) {
  const i64 channels = s.c, line = s.w * s.c;
  for_halves(s, n0, n1, [&](i64 at, i64 pixel) {
    const T* __restrict a = x + at, * __restrict b = a + channels, * __restrict c = a + line, * __restrict d = b + line;
    T* __restrict best = y + pixel;
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
  kernels.average_pool = average_pool<T>;
  kernels.average_pool_gradient = average_pool_gradient<T>;
}

}  // namespace

void add_pool(FloatKernels<float>& kernels) { fill(kernels); }
void add_pool(FloatKernels<double>& kernels) { fill(kernels); }

}  // namespace keratin::cpu::KERATIN_ISA
