#include "keratin/backends/cuda/device/windows.h"

#include "keratin/backends/cuda/device/index.h"
#include "keratin/backends/cuda/device/math.h"
#include "keratin/backends/cuda/device/typed.h"

namespace keratin::cuda {
namespace {

// An element of an (n, height, width, channels) array.
struct Pixel {
  i64 n, y, x, channel;
};
KERATIN_HOST_DEVICE Pixel pixel_at(i64 i, i64 height, i64 width, i64 channels) {
  const i64 position = quotient(i, channels), row = quotient(position, width), image = quotient(row, height);
  return {image, row - image * height, position - row * width, i - position * channels};
}

// Taps [y0, y1) x [x0, x1) of x that a window without dilation covers.
struct Window {
  i64 y0, y1, x0, x1;
};
KERATIN_HOST_DEVICE Window window_at(const WindowShape& s, i64 oy, i64 ox) {
  const i64 y = oy * s.stride_h - s.pad_top, x = ox * s.stride_w - s.pad_left;
  return {y > 0 ? y : 0, y + s.kh < s.h ? y + s.kh : s.h, x > 0 ? x : 0, x + s.kw < s.w ? x + s.kw : s.w};
}
// Windows [begin, end) of `count` on one axis that cover `position`, which is counted with the padding.
struct Covering {
  i64 begin, end;
};
KERATIN_HOST_DEVICE Covering covering(i64 position, i64 window, i64 stride, i64 count) {
  const i64 begin = position < window ? 0 : quotient(position - window, stride) + 1;
  const i64 end = quotient(position, stride) + 1;
  return {begin, end < count ? end : count};
}

template <class T>
struct MaxPool {
  const T* x;
  T* y;
  WindowShape s;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const Pixel p = pixel_at(i, s.oh, s.ow, s.c);
    const Window window = window_at(s, p.y, p.x);
    constexpr T low = std::numeric_limits<T>::lowest();
    T best = low;
    bool first = true;
    for (i64 iy = window.y0; iy < window.y1; ++iy) {
      for (i64 ix = window.x0; ix < window.x1; ++ix, first = false) {
        const T tap = x[((p.n * s.h + iy) * s.w + ix) * s.c + p.channel];
        best = first ? tap : math::Maximum()(tap, best);  // a NaN wins and stays
      }
    }
    y[i] = best;
  }
};

template <class T>
struct AveragePool {
  const T* x;
  T* y;
  WindowShape s;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const Pixel p = pixel_at(i, s.oh, s.ow, s.c);
    const Window window = window_at(s, p.y, p.x);
    T sum{0};
    for (i64 iy = window.y0; iy < window.y1; ++iy) {
      for (i64 ix = window.x0; ix < window.x1; ++ix) sum += x[((p.n * s.h + iy) * s.w + ix) * s.c + p.channel];
    }
    const i64 count = (window.y1 - window.y0) * (window.x1 - window.x0);
    y[i] = count > 1 ? sum * (T{1} / static_cast<T>(count)) : sum;
  }
};

template <class T>
KERATIN_HOST_DEVICE bool equal_or_both_nan(T a, T b) {
  return a == b || (a != a && b != b);
}

template <class T>
struct MaxPoolGradient {
  const T *x, *y, *dy;
  T* dx;
  WindowShape s;
  KERATIN_HOST_DEVICE bool is_first_maximum(const Pixel& p, const Window& window, T best) const {
    for (i64 iy = window.y0; iy < window.y1; ++iy) {
      for (i64 ix = window.x0; ix < window.x1; ++ix) {
        if (iy == p.y && ix == p.x) return true;
        if (equal_or_both_nan(x[((p.n * s.h + iy) * s.w + ix) * s.c + p.channel], best)) return false;
      }
    }
    return false;
  }
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const Pixel p = pixel_at(i, s.h, s.w, s.c);
    const Covering rows = covering(p.y + s.pad_top, s.kh, s.stride_h, s.oh);
    const Covering columns = covering(p.x + s.pad_left, s.kw, s.stride_w, s.ow);
    const T own = x[i];
    T sum{0};
    for (i64 oy = rows.begin; oy < rows.end; ++oy) {
      for (i64 ox = columns.begin; ox < columns.end; ++ox) {
        const i64 at = ((p.n * s.oh + oy) * s.ow + ox) * s.c + p.channel;
        if (equal_or_both_nan(own, y[at]) && is_first_maximum(p, window_at(s, oy, ox), y[at])) sum += dy[at];
      }
    }
    dx[i] = sum;
  }
};

// The first maximum (or NaN) of a window, and which of its taps that is, padding included.
template <class T>
struct MaxPoolIndex {
  const T* x;
  T* y;
  std::uint8_t* index;
  WindowShape s;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const Pixel p = pixel_at(i, s.oh, s.ow, s.c);
    const Window window = window_at(s, p.y, p.x);
    const i64 top = p.y * s.stride_h - s.pad_top, left = p.x * s.stride_w - s.pad_left;
    T best{0};
    i64 which = -1;
    for (i64 iy = window.y0; iy < window.y1; ++iy) {
      for (i64 ix = window.x0; ix < window.x1; ++ix) {
        const T tap = x[((p.n * s.h + iy) * s.w + ix) * s.c + p.channel];
        if (which >= 0 && !(tap > best) && !(tap != tap && best == best)) continue;
        best = tap;
        which = (iy - top) * s.kw + ix - left;
      }
    }
    y[i] = best;
    index[i] = static_cast<std::uint8_t>(which);
  }
};

template <class T>
struct MaxPoolIndexGradient {
  const std::uint8_t* index;
  const T* dy;
  T* dx;
  WindowShape s;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const Pixel p = pixel_at(i, s.h, s.w, s.c);
    const Covering rows = covering(p.y + s.pad_top, s.kh, s.stride_h, s.oh);
    const Covering columns = covering(p.x + s.pad_left, s.kw, s.stride_w, s.ow);
    T sum{0};
    for (i64 oy = rows.begin; oy < rows.end; ++oy) {
      for (i64 ox = columns.begin; ox < columns.end; ++ox) {
        const i64 at = ((p.n * s.oh + oy) * s.ow + ox) * s.c + p.channel;
        const i64 tap = (p.y + s.pad_top - oy * s.stride_h) * s.kw + p.x + s.pad_left - ox * s.stride_w;
        if (index[at] == tap) sum += dy[at];
      }
    }
    dx[i] = sum;
  }
};

template <class T>
struct AveragePoolGradient {
  const T* dy;
  T* dx;
  WindowShape s;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const Pixel p = pixel_at(i, s.h, s.w, s.c);
    const Covering rows = covering(p.y + s.pad_top, s.kh, s.stride_h, s.oh);
    const Covering columns = covering(p.x + s.pad_left, s.kw, s.stride_w, s.ow);
    T sum{0};
    for (i64 oy = rows.begin; oy < rows.end; ++oy) {
      for (i64 ox = columns.begin; ox < columns.end; ++ox) {
        const Window window = window_at(s, oy, ox);
        const i64 count = (window.y1 - window.y0) * (window.x1 - window.x0);
        sum += dy[((p.n * s.oh + oy) * s.ow + ox) * s.c + p.channel] * (T{1} / static_cast<T>(count));
      }
    }
    dx[i] = sum;
  }
};

// Element (window, ky, kx, channel) of the rows.
template <class T>
struct WindowsToRows {
  const T* x;
  T* columns;
  WindowShape s;
  i64 first;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const i64 row_size = s.kh * s.kw * s.c, row = quotient(i, row_size);
    const Pixel tap = pixel_at(i - row * row_size, s.kh, s.kw, s.c);  // its y and x: the place in the window
    const Pixel window = pixel_at(row, s.oh, s.ow, 1);
    const i64 iy = window.y * s.stride_h + tap.y * s.dilation_h - s.pad_top;
    const i64 ix = window.x * s.stride_w + tap.x * s.dilation_w - s.pad_left;
    const bool inside = iy >= 0 && iy < s.h && ix >= 0 && ix < s.w;
    columns[i] = inside ? x[(((first + window.n) * s.h + iy) * s.w + ix) * s.c + tap.channel] : T{0};
  }
};

// Calls f(ky, kx, oy, ox) for every window that has pixel (y, x) at its place (ky, kx).
template <class F>
KERATIN_HOST_DEVICE void for_windows_of(const WindowShape& s, i64 y, i64 x, F f) {
  for (i64 ky = 0; ky < s.kh; ++ky) {
    const i64 top = y + s.pad_top - ky * s.dilation_h;
    if (top < 0 || top % s.stride_h != 0 || top / s.stride_h >= s.oh) continue;
    for (i64 kx = 0; kx < s.kw; ++kx) {
      const i64 left = x + s.pad_left - kx * s.dilation_w;
      if (left < 0 || left % s.stride_w != 0 || left / s.stride_w >= s.ow) continue;
      f(ky, kx, top / s.stride_h, left / s.stride_w);
    }
  }
}

template <class T>
struct RowsToWindows {
  const T* columns;
  T* dx;
  WindowShape s;
  i64 first;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const Pixel p = pixel_at(i, s.h, s.w, s.c);
    T sum{0};
    for_windows_of(s, p.y, p.x, [&](i64 ky, i64 kx, i64 oy, i64 ox) {
      const i64 row = (p.n * s.oh + oy) * s.ow + ox;
      sum += columns[((row * s.kh + ky) * s.kw + kx) * s.c + p.channel];
    });
    dx[first * s.h * s.w * s.c + i] = sum;
  }
};

// kernel: (kh, kw, c / groups, f)
template <class T>
struct DirectConv {
  const T *x, *kernel;
  T* y;
  WindowShape s;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const Pixel p = pixel_at(i, s.oh, s.ow, s.f);
    const i64 channels = s.c / s.groups, first = p.channel / (s.f / s.groups) * channels;
    T sum{0};
    for (i64 ky = 0; ky < s.kh; ++ky) {
      const i64 iy = p.y * s.stride_h + ky * s.dilation_h - s.pad_top;
      if (iy < 0 || iy >= s.h) continue;
      for (i64 kx = 0; kx < s.kw; ++kx) {
        const i64 ix = p.x * s.stride_w + kx * s.dilation_w - s.pad_left;
        if (ix < 0 || ix >= s.w) continue;
        const T* tap = x + ((p.n * s.h + iy) * s.w + ix) * s.c + first;
        const T* weight = kernel + (ky * s.kw + kx) * channels * s.f + p.channel;
        for (i64 c = 0; c < channels; ++c) sum += tap[c] * weight[c * s.f];
      }
    }
    y[i] = sum;
  }
};

template <class T>
struct DirectInputGradient {
  const T *dy, *kernel;
  T* dx;
  WindowShape s;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const Pixel p = pixel_at(i, s.h, s.w, s.c);
    const i64 channels = s.c / s.groups, filters = s.f / s.groups;
    const i64 group = p.channel / channels, c = p.channel - group * channels;
    T sum{0};
    for_windows_of(s, p.y, p.x, [&](i64 ky, i64 kx, i64 oy, i64 ox) {
      const T* g = dy + ((p.n * s.oh + oy) * s.ow + ox) * s.f + group * filters;
      const T* weight = kernel + ((ky * s.kw + kx) * channels + c) * s.f + group * filters;
      for (i64 f = 0; f < filters; ++f) sum += g[f] * weight[f];
    });
    dx[i] = sum;
  }
};

template <class T>
struct DirectKernelGradient {
  const T *x, *dy;
  T* dkernel;
  WindowShape s;
  template <class Team>
  KERATIN_HOST_DEVICE void operator()(const Team& team, i64 i) const {
    const i64 channels = s.c / s.groups;
    const Pixel p = pixel_at(i, s.kw, channels, s.f);  // n: ky; y: kx; x: the channel within the group
    const i64 channel = p.channel / (s.f / s.groups) * channels + p.x;
    T sum{0};
    for (i64 at = team.rank(); at < s.n * s.oh * s.ow; at += team.size()) {
      const Pixel window = pixel_at(at, s.oh, s.ow, 1);
      const i64 iy = window.y * s.stride_h + p.n * s.dilation_h - s.pad_top;
      const i64 ix = window.x * s.stride_w + p.y * s.dilation_w - s.pad_left;
      if (iy < 0 || iy >= s.h || ix < 0 || ix >= s.w) continue;
      sum += x[((window.n * s.h + iy) * s.w + ix) * s.c + channel] * dy[at * s.f + p.channel];
    }
    sum = team.reduce(sum, math::Add());
    if (team.rank() == 0) dkernel[i] = sum;
  }
};

i64 size_in(const WindowShape& s) { return s.n * s.h * s.w * s.c; }
i64 size_out(const WindowShape& s) { return s.n * s.oh * s.ow * s.f; }

}  // namespace

void max_pool(Stream stream, DType dtype, const WindowShape& s, const void* x, void* y) {
  for_float(dtype, [&]<class T>() { for_each(stream, size_out(s), MaxPool<T>{as<T>(x), as<T>(y), s}); });
}
void average_pool(Stream stream, DType dtype, const WindowShape& s, const void* x, void* y) {
  for_float(dtype, [&]<class T>() { for_each(stream, size_out(s), AveragePool<T>{as<T>(x), as<T>(y), s}); });
}
void max_pool_gradient(Stream stream, DType dtype, const WindowShape& s, const void* x, const void* y, const void* dy,
                       void* dx) {
  for_float(dtype, [&]<class T>() {
    for_each(stream, size_in(s), MaxPoolGradient<T>{as<T>(x), as<T>(y), as<T>(dy), as<T>(dx), s});
  });
}
void max_pool_index(Stream stream, DType dtype, const WindowShape& s, const void* x, void* y, void* index) {
  for_float(dtype, [&]<class T>() {
    for_each(stream, size_out(s), MaxPoolIndex<T>{as<T>(x), as<T>(y), as<std::uint8_t>(index), s});
  });
}
void max_pool_index_gradient(Stream stream, DType dtype, const WindowShape& s, const void* index, const void* dy,
                             void* dx) {
  for_float(dtype, [&]<class T>() {
    for_each(stream, size_in(s), MaxPoolIndexGradient<T>{as<std::uint8_t>(index), as<T>(dy), as<T>(dx), s});
  });
}
void average_pool_gradient(Stream stream, DType dtype, const WindowShape& s, const void* dy, void* dx) {
  for_float(dtype, [&]<class T>() { for_each(stream, size_in(s), AveragePoolGradient<T>{as<T>(dy), as<T>(dx), s}); });
}

void windows_to_rows(Stream stream, DType dtype, const WindowShape& s, i64 first, i64 count, const void* x,
                     void* columns) {
  for_float(dtype, [&]<class T>() {
    for_each(stream, count * s.oh * s.ow * s.kh * s.kw * s.c, WindowsToRows<T>{as<T>(x), as<T>(columns), s, first});
  });
}
void rows_to_windows(Stream stream, DType dtype, const WindowShape& s, i64 first, i64 count, const void* columns,
                     void* dx) {
  for_float(dtype, [&]<class T>() {
    for_each(stream, count * s.h * s.w * s.c, RowsToWindows<T>{as<T>(columns), as<T>(dx), s, first});
  });
}

void direct_conv(Stream stream, DType dtype, const WindowShape& s, const void* x, const void* kernel, void* y) {
  for_float(dtype, [&]<class T>() {
    for_each(stream, size_out(s), DirectConv<T>{as<T>(x), as<T>(kernel), as<T>(y), s});
  });
}
void direct_conv_input_gradient(Stream stream, DType dtype, const WindowShape& s, const void* dy, const void* kernel,
                                void* dx) {
  for_float(dtype, [&]<class T>() {
    for_each(stream, size_in(s), DirectInputGradient<T>{as<T>(dy), as<T>(kernel), as<T>(dx), s});
  });
}
void direct_conv_kernel_gradient(Stream stream, DType dtype, const WindowShape& s, const void* x, const void* dy,
                                 void* dkernel) {
  for_float(dtype, [&]<class T>() {
    for_each_team(stream, s.kh * s.kw * (s.c / s.groups) * s.f, s.n * s.oh * s.ow,
                  DirectKernelGradient<T>{as<T>(x), as<T>(dy), as<T>(dkernel), s});
  });
}

}  // namespace keratin::cuda
