// Convolution straight from the image. A row of a window is a run of memory, so the pixels of an output line are the
// rows of a matrix that lies in the image already: no patches are gathered, and a register tile adds up all taps before
// it stores its pixels once. Only columns outside of the image are made, as zeros, in a copy of the lines at hand;
// lines of one tile go without, column by column of the window.
#pragma once

#include "keratin/backends/cpu/simd/conv_finish.h"
#include "keratin/backends/cpu/simd/gemm.h"
#include "keratin/backends/cpu/simd/lines.h"
#include "keratin/backends/cpu/simd/tile_gemm.h"

namespace keratin::cpu::KERATIN_ISA {

constexpr i64 kLineBytes = 64 * 1024;    // of the image's lines that are worked on together
constexpr i64 kPanelBytes = 256 * 1024;  // of filters: a panel stays in the L2 cache

KERATIN_INLINE bool sees_borders(const WindowShape& s) { return s.pad_left > 0 || line_width(s) - s.pad_left > s.w; }

template <class T>
KERATIN_INLINE bool is_direct(const WindowShape& s) {
  return s.groups == 1 && s.dilation_h == 1 && s.dilation_w == 1 && s.oh > 0 && s.ow > 0 &&
         s.kh * s.kw * s.c * kPanel<T> * static_cast<i64>(sizeof(T)) <= kPanelBytes;
}

// Output lines that are computed together.
template <class T>
KERATIN_INLINE i64 band_lines(const WindowShape& s) {
  const i64 lines = kLineBytes / most(1, line_width(s) * s.c * static_cast<i64>(sizeof(T)));
  return most(1, least(s.oh, (lines - s.kh) / s.stride_h + 1));
}

// Elements of packed filters and of the copied lines.
template <class T>
KERATIN_INLINE i64 panel_elements(const WindowShape& s) {
  return s.kh * s.kw * s.c * ((s.f + kPanel<T> - 1) / kPanel<T> * kPanel<T>);
}
template <class T>
KERATIN_INLINE i64 line_elements(const WindowShape& s) {
  return sees_borders(s) ? least(s.h, (band_lines<T>(s) - 1) * s.stride_h + s.kh) * line_width(s) * s.c : 0;
}

// Lines of an image as windows see them: at(y) is the pixel -pad_left of line y.
template <class T>
struct Lines {
  const T* begin;
  i64 first, stride;
  KERATIN_INLINE const T* at(i64 y) const { return begin + (y - first) * stride; }
};

// For borders: a call of memset, which the compiler makes of plain loops, takes longer.
template <class T>
KERATIN_INLINE void clear_few(T* to, i64 n) {
  for (i64 i = 0; i < n; i += Vec<T>::size) Vec<T>::zero().store_first(to + i, least(n - i, Vec<T>::size));
}

template <class T>
Lines<T> lines_of(const WindowShape& s, const T* image, i64 first, i64 end, T* copy) {
  if (!sees_borders(s)) return {image + (first * s.w - s.pad_left) * s.c, first, s.w * s.c};
  const i64 width = line_width(s) * s.c;
  const i64 left = least(most(s.pad_left, 0) * s.c, width), right = most(left, least((s.w + s.pad_left) * s.c, width));
  T* __restrict to = copy;
  for (i64 y = first; y < end; ++y, to += width) {
    const T* __restrict line = image + (y * s.w - s.pad_left) * s.c;
    clear_few(to, left);
    for (i64 i = left; i < right; ++i) to[i] = line[i];
    clear_few(to + right, width - right);
  }
  return {copy, first, width};
}

// The filters as panels of columns, each in the order of the patch.
template <class T>
void pack_filters(const WindowShape& s, const T* kernel, T* panels) {
  const i64 patch = s.kh * s.kw * s.c;
  for (i64 j = 0; j < s.f; j += kPanel<T>) {
    const i64 width = s.f - j > Vec<T>::size ? kPanel<T> : Vec<T>::size;
    pack_panel(kernel + j, s.f, false, patch, least(width, s.f - j), width, panels + j * patch);
  }
}

// The same for a phase of the input's gradient of `s`: its taps backwards, channels and filters exchanged.
template <class T>
void pack_turned_filters(const WindowShape& s, const Phase& phase, const T* kernel, T* panels) {
  const i64 rows = phase.shape.kh, columns = phase.shape.kw;
  for (i64 j = 0; j < s.c; j += kPanel<T>) {
    const i64 width = s.c - j > Vec<T>::size ? kPanel<T> : Vec<T>::size;
    T* to = panels + j * rows * columns * s.f;
    for (i64 v = rows - 1; v >= 0; --v) {
      for (i64 u = columns - 1; u >= 0; --u, to += width * s.f) {
        const i64 tap = (phase.tap_y + v * s.stride_h) * s.kw + phase.tap_x + u * s.stride_w;
        pack_panel(kernel + (tap * s.c + j) * s.f, s.f, true, s.f, least(width, s.c - j), width, to);
      }
    }
  }
}

// Memory that is needed next, fetched bit by bit into the L2 cache while something else is computed.
struct Ahead {
  const char *at, *end;

  template <class T>
  Ahead(const T* begin, i64 count)
      : at(reinterpret_cast<const char*>(begin)), end(at + count * static_cast<i64>(sizeof(T))) {}
  // At most 4 KB: what is computed meanwhile would wait behind more.
  KERATIN_INLINE void fetch(i64 bytes) {
    const char* const stop = at + least(end - at, least(bytes, 4096));
    for (; at < stop; at += 64) __builtin_prefetch(at, 0, 2);
  }
};

// Whether lines are computed column by column of the window, each for the pixels to which it is in the image: borders
// are then not multiplied at all. For lines that are one tile, whose pixels are added to in memory.
KERATIN_INLINE bool goes_by_columns(const WindowShape& s) {
  return s.stride_w == 1 && s.kw > 1 && s.c >= 32 && s.ow <= kTileRows && sees_borders(s);
}

// Where results go: distances between pixels, lines and images.
template <class T>
struct Place {
  T* begin;
  i64 pixel, line, image;
};

// One line for the columns [j, j + width) of the filters, whose rows [low, high) are in the image: `from` is the line
// for the first of them, without borders, `stride` the distance to the next.
template <class T>
void line_by_columns(const WindowShape& s, i64 low, i64 high, const T* from, i64 stride, const T* panel, i64 width,
                     i64 cols, T* y, i64 pixel) {
  const auto clear = [&](i64 begin, i64 end) {
    for (i64 x = begin; x < end; ++x) {
      for (i64 i = 0; i < cols; ++i) y[x * pixel + i] = T{0};
    }
  };
  bool add = false;
  for (i64 u = 0; u < s.kw; ++u) {
    const i64 begin = most(0, s.pad_left - u), end = least(s.ow, s.w + s.pad_left - u);
    if (begin >= end) continue;
    if (!add) {
      clear(0, begin);
      clear(end, s.ow);
    }
    const TileJob<T> job = {.k = s.c,
                            .segments = high - low,
                            .a = from + (begin - s.pad_left + u) * s.c,
                            .a_row = s.c,
                            .a_step = 1,
                            .a_jump = stride - s.c,
                            .b = panel + (low * s.kw + u) * s.c * width,
                            .b_step = width,
                            .c = y + begin * pixel,
                            .c_row = pixel,
                            .cols = cols,
                            .add = add,
                            .bias = nullptr,
                            .relu = false,
                            .b_jump = (s.kw - 1) * s.c * width};
    run_tile(job, static_cast<int>(end - begin), width == Vec<T>::size ? 1 : 2);
    add = true;
  }
  if (!add) clear(0, s.ow);
}

// y of the images [n0, n1).
template <class T>
void direct_forward(const WindowShape& s, i64 n0, i64 n1, const T* x, const T* panels, const ConvFinish<T>& finish,
                    const Place<T>& y, T* copy) {
  const i64 depth = s.kw * s.c, patch = s.kh * depth, band = band_lines<T>(s), image = s.h * s.w * s.c;
  const i64 share = image * static_cast<i64>(sizeof(T)) / (s.oh * (s.f / kPanel<T> + 1)) + 64;
  const bool by_columns = goes_by_columns(s), finishing = finish.scale || finish.more;
  for (i64 n = n0; n < n1; ++n) {
    Ahead next(x + (n + 1) * image, n + 1 < s.n ? image : 0);
    for (i64 begin = 0; begin < s.oh; begin += band) {
      const i64 end = least(s.oh, begin + band);
      const i64 first = least(s.h, most(0, begin * s.stride_h - s.pad_top));
      const i64 last = most(first, least(s.h, (end - 1) * s.stride_h - s.pad_top + s.kh));
      const T* const whole = x + n * image;
      const Lines<T> lines =
          by_columns ? Lines<T>{whole + first * s.w * s.c, first, s.w * s.c} : lines_of(s, whole, first, last, copy);
      for (i64 j = 0; j < s.f; j += kPanel<T>) {
        const i64 width = s.f - j > Vec<T>::size ? kPanel<T> : Vec<T>::size;
        const i64 rows = most_rows<T>(width), pieces = (s.ow + rows - 1) / rows;
        const i64 fewest = s.ow / pieces, left_over = s.ow % pieces;
        const int vectors = width == Vec<T>::size ? 1 : 2;
        // Made once: tiles are short, and wait for what has just been written.
        TileFinish<T> rest;
        if (finish.scale) rest = {finish.scale + j, finish.shift + j};
        TileJob<T> job = {.k = depth,
                          .segments = 0,
                          .a = nullptr,
                          .a_row = s.stride_w * s.c,
                          .a_step = 1,
                          .a_jump = lines.stride - depth,
                          .b = nullptr,
                          .b_step = width,
                          .c = nullptr,
                          .c_row = y.pixel,
                          .cols = least(width, s.f - j),
                          .add = false,
                          .bias = finish.bias ? finish.bias + j : nullptr,
                          .relu = finish.activation == Activation::relu,
                          .finish = &rest};
        for (i64 oy = begin; oy < end; ++oy) {
          next.fetch(share);
          // The rows of the window that lie in the image.
          const i64 top = oy * s.stride_h - s.pad_top, low = least(s.kh, most(0, -top));
          const i64 high = most(low, least(s.kh, s.h - top));
          T* const line = y.begin + n * y.image + oy * y.line + j;
          if (by_columns && high > low) {
            line_by_columns(s, low, high, lines.at(top + low), lines.stride, panels + j * patch, width,
                            least(width, s.f - j), line, y.pixel);
            finish_pixels(finish, j, least(width, s.f - j), s.ow, line, y.pixel,
                          finish.more ? finish.more + (line - y.begin) : nullptr);
            continue;
          }
          job.segments = high - low;
          job.a = high > low ? lines.at(top + low) : lines.begin;
          job.b = panels + j * patch + low * depth * width;
          job.c = line;
          for (i64 t = 0; t < pieces; ++t) {
            const i64 pixels = fewest + (t < left_over ? 1 : 0);
            if (finishing) {
              if (finish.more) rest.more = finish.more + (job.c - y.begin);
              run_finishing_tile(job, static_cast<int>(pixels), vectors);
            } else {
              run_tile(job, static_cast<int>(pixels), vectors);
            }
            job.c += pixels * y.pixel;
            if (high > low) job.a += pixels * s.stride_w * s.c;
          }
        }
      }
    }
  }
}

// Whether every phase of the input's gradient is worth it: vectors with few channels in them, and pixels much of whose
// window is outside of dy, waste more than patches cost.
template <class T>
KERATIN_INLINE bool is_direct_input(const WindowShape& s) {
  return is_direct<T>(s) && s.kh * s.kw * s.f * kPanel<T> * static_cast<i64>(sizeof(T)) <= kPanelBytes &&
         2 * s.c >= Vec<T>::size && 5 * s.ow * s.stride_w >= 4 * s.w;
}

// f(phase) for all phases with pixels in them.
template <class F>
KERATIN_INLINE void for_each_phase(const WindowShape& s, F f) {
  for (i64 y = 0; y < least(s.stride_h, s.h); ++y) {
    for (i64 x = 0; x < least(s.stride_w, s.w); ++x) f(phase_of(s, y, x));
  }
}

// Elements of the packed filters of all phases, and of the lines that any of them copies.
template <class T>
KERATIN_INLINE i64 input_panel_elements(const WindowShape& s) {
  i64 all = 0;
  for_each_phase(s, [&](const Phase& phase) { all += panel_elements<T>(phase.shape); });
  return all;
}
template <class T>
KERATIN_INLINE i64 input_line_elements(const WindowShape& s) {
  i64 all = 0;
  for_each_phase(s, [&](const Phase& phase) {
    if (phase.shape.kh * phase.shape.kw > 0) all = most(all, line_elements<T>(phase.shape));
  });
  return all;
}

// dx of the images [n0, n1).
template <class T>
void direct_input_gradient(const WindowShape& s, i64 n0, i64 n1, const T* dy, const T* kernel, T* dx, T* panels,
                           T* copy) {
  T* next = panels;
  for_each_phase(s, [&](const Phase& phase) {
    pack_turned_filters(s, phase, kernel, next);
    next += panel_elements<T>(phase.shape);
  });
  const i64 line = s.w * s.c;
  for (i64 n = n0; n < n1; ++n) {
    const T* packed = panels;
    for_each_phase(s, [&](const Phase& phase) {
      const Place<T> place{dx + (phase.first_y * s.w + phase.first_x) * s.c, s.stride_w * s.c, s.stride_h * line,
                           s.h * line};
      if (phase.shape.kh * phase.shape.kw > 0) {
        direct_forward(phase.shape, n, n + 1, dy, packed, ConvFinish<T>(), place, copy);
        packed += panel_elements<T>(phase.shape);
        return;
      }
      for (i64 y = 0; y < phase.shape.oh; ++y) {  // pixels that no window sees
        for (i64 x = 0; x < phase.shape.ow; ++x) {
          T* pixel = place.begin + n * place.image + y * place.line + x * place.pixel;
          for (i64 i = 0; i < s.c; ++i) pixel[i] = T{0};
        }
      }
    });
  }
}

// Whether the kernel's gradient can be added up in tiles of a window's row by filters, all of them whole.
template <class T>
KERATIN_INLINE bool is_direct_gradient(const WindowShape& s) {
  return is_direct<T>(s) && s.f % Vec<T>::size == 0 && s.kw * s.c * (s.f > Vec<T>::size ? 2 : 1) >= 6;
}

// Output lines whose gradients are added up together: they and what they see of the image stay in the L1 cache for all
// taps, unless that leaves tiles little to add up.
template <class T>
KERATIN_INLINE i64 gradient_lines(const WindowShape& s) {
  constexpr i64 kBytes = 32 * 1024, kTerms = 128;
  const i64 line = (s.ow * s.f + s.stride_h * line_width(s) * s.c) * static_cast<i64>(sizeof(T));
  const i64 lines = least(band_lines<T>(s), most(kBytes / line, (kTerms + s.ow - 1) / s.ow));
  const i64 bands = (s.oh + lines - 1) / lines;
  return (s.oh + bands - 1) / bands;
}

// Adds the part of the images [n0, n1) to dkernel.
template <class T>
void direct_kernel_gradient(const WindowShape& s, i64 n0, i64 n1, const T* x, const T* dy, T* dkernel, T* copy) {
  const i64 depth = s.kw * s.c, band = gradient_lines<T>(s), image = s.h * s.w * s.c, gradient = s.oh * s.ow * s.f;
  // Short rows of the window go into tiles together, or the processor would wait for its sums. Tiles know where each
  // three of their rows begin.
  const i64 together = depth % 3 == 0 && depth <= 9 ? s.kh : 1;
  const i64 panels = (s.f + kPanel<T> - 1) / kPanel<T>;
  const i64 rows_of_tile = s.f > Vec<T>::size ? kTileRows : kTallRows;
  const i64 tiles =
      (s.oh + band - 1) / band * (s.kh / together) * panels * ((together * depth + rows_of_tile - 1) / rows_of_tile);
  for (i64 n = n0; n < n1; ++n) {
    Ahead next_x(x + (n + 1) * image, n + 1 < s.n ? image : 0);
    for (i64 begin = 0; begin < s.oh; begin += band) {
      const i64 end = least(s.oh, begin + band);
      const i64 first = least(s.h, most(0, begin * s.stride_h - s.pad_top));
      const i64 last = most(first, least(s.h, (end - 1) * s.stride_h - s.pad_top + s.kh));
      const Lines<T> lines = lines_of(s, x + n * s.h * s.w * s.c, first, last, copy);
      // The part of the output lines [low, high) for `count` rows of the window, which see the image from all of them.
      const auto add = [&](i64 ky, i64 count, i64 low, i64 high) {
        if (low >= high) return;
        const T* const from = lines.at(low * s.stride_h - s.pad_top + ky);
        const i64 unit = count > 1 ? 3 : 1, all = count * depth / unit;
        for (i64 j = 0; j < s.f; j += kPanel<T>) {
          const i64 width = s.f - j > Vec<T>::size ? kPanel<T> : Vec<T>::size;
          const i64 most_units = (width > Vec<T>::size ? kTileRows : kTallRows) / unit,
                    pieces = (all + most_units - 1) / most_units;
          for (i64 t = 0; t < pieces; ++t) {
            const i64 row = all * t / pieces * unit, rows = all * (t + 1) / pieces * unit - row;
            const T* groups[kTallRows / 3];
            for (i64 i = 0; unit > 1 && i < rows; i += unit) {
              groups[i / unit] = from + (row + i) / depth * lines.stride + (row + i) % depth;
            }
            const TileJob<T> job = {.k = s.ow,
                                    .segments = high - low,
                                    .a = from + row,
                                    .a_row = 1,
                                    .a_step = s.stride_w * s.c,
                                    .a_jump = s.stride_h * lines.stride - s.ow * s.stride_w * s.c,
                                    .b = dy + (n * s.oh + low) * s.ow * s.f + j,
                                    .b_step = s.f,
                                    .c = dkernel + (ky * depth + row) * s.f + j,
                                    .c_row = s.f,
                                    .cols = width,
                                    .add = true,
                                    .bias = nullptr,
                                    .relu = false,
                                    .a_groups = unit > 1 ? groups : nullptr,
                                    .ahead_step = gradient};
            next_x.fetch(image * static_cast<i64>(sizeof(T)) / tiles + 64);
            // Lines of the next image's gradients are fetched once, but for those whose window begins above the image.
            const bool streams = ky == 0 && t == 0 && n + 1 < s.n;
            const int vectors = width == Vec<T>::size ? 1 : 2;
            if (streams) {
              run_streaming_tile(job, static_cast<int>(rows), vectors);
            } else {
              run_tile(job, static_cast<int>(rows), vectors);
            }
          }
        }
      };
      // Output lines of the band from which a row of the window is in the image.
      const auto low_of = [&](i64 ky) { return most(begin, (s.pad_top - ky + s.stride_h - 1) / s.stride_h); };
      const auto high_of = [&](i64 ky) {
        const i64 farthest = s.h - 1 + s.pad_top - ky;
        return farthest < 0 ? begin : least(end, farthest / s.stride_h + 1);
      };
      for (i64 ky = 0; ky < s.kh; ky += together) {
        const i64 count = least(together, s.kh - ky), low = low_of(ky), high = high_of(ky + count - 1);
        if (count > 1 && low < high) {
          add(ky, count, low, high);
          for (i64 i = 0; i < count; ++i) {
            add(ky + i, 1, low_of(ky + i), least(low, high_of(ky + i)));
            add(ky + i, 1, most(high, low_of(ky + i)), high_of(ky + i));
          }
        } else {
          for (i64 i = 0; i < count; ++i) add(ky + i, 1, low_of(ky + i), high_of(ky + i));
        }
      }
    }
  }
}

}  // namespace keratin::cpu::KERATIN_ISA
