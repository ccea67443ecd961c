// Convolutions of numbers rounded to bfloat16, in one part or two: as simd/direct_conv.h straight from the lines of the
// image, which are rounded once, with zeros at their borders.
#pragma once

#include "keratin/backends/cpu/simd/bf16/kernels.h"
#include "keratin/backends/cpu/simd/bf16/unit.h"

namespace keratin::cpu::KERATIN_ISA {

constexpr i64 kBandBytes = 64 * 1024;  // of the lines that are worked on together

// Pieces of the workspace, one after another, each at a cache line of its own.
class Pieces {
 public:
  explicit Pieces(void* workspace) : at_((reinterpret_cast<std::uintptr_t>(workspace) + 63) / 64 * 64) {}
  template <class T>
  T* take(i64 n) {
    T* piece = reinterpret_cast<T*>(at_);
    at_ += static_cast<std::uintptr_t>(up(n * static_cast<i64>(sizeof(T)), 64));
    return piece;
  }
  std::size_t bytes() const { return at_ + 64; }  // when it began at address 0

 private:
  std::uintptr_t at_;
};

// Whether tiles run on from line to line of the image.
inline bool goes_flat(const WindowShape& s) { return Unit::kFlat && s.stride_h == 1 && s.stride_w == 1; }

// Numbers in a row of a window, as many as the unit takes.
inline i64 row_depth(const WindowShape& s) { return up(s.kw * s.c, Unit::kDepth); }
// Packed filters: a panel has the words of every row of the window. Behind the last there is room for what packing
// writes too much.
inline i64 panel_words(const WindowShape& s) { return s.kh * row_depth(s) / 2; }  // of each column
inline i64 filter_words(const WindowShape& s) { return panel_words(s) * up(s.f, kPanel) + kSquare * kPanel; }

// The lines of a band of output lines, [top of its first window, bottom of its last), outside of the image, too.
struct Band {
  i64 lines, numbers, slack;

  Band(const WindowShape& s, i64 bytes) {
    const i64 line = line_width(s) * s.c, most_lines = kBandBytes / most(1, line * bytes);
    lines = most(1, least(s.oh, (most_lines - s.kh) / s.stride_h + 1));
    numbers = ((lines - 1) * s.stride_h + s.kh) * line;
    slack = up((most(Unit::kRows, Unit::kDepth) + s.kw) * s.stride_w * s.c, kRun) + 2 * kRun;
  }
};

// Where the image's columns begin and end in a line.
struct Borders {
  i64 width, left, right;

  explicit Borders(const WindowShape& s) {
    width = line_width(s) * s.c;
    left = least(most(s.pad_left, 0) * s.c, width);
    right = most(left, least((s.w + s.pad_left) * s.c, width));
  }
};

struct ConvPieces {
  u16 *high, *low;
  float* tile;
  ConvPieces(Pieces& pieces, const Band& band, int parts) {
    high = pieces.take<u16>(band.numbers + band.slack);
    low = parts == 2 ? pieces.take<u16>(band.numbers + band.slack) : nullptr;
    tile = pieces.take<float>(Unit::kRows * kPanel);
  }
};

inline void split_lines(const WindowShape& s, const float* image, i64 first, i64 lines, u16* high, u16* low,
                        Overflow& overflow) {
  const Borders borders(s);
  for (i64 y = first; y < first + lines; ++y, high += borders.width, low += low ? borders.width : 0) {
    const bool inside = y >= 0 && y < s.h;
    const i64 left = inside ? borders.left : borders.width;
    for (i64 i = 0; i < left; ++i) high[i] = 0;
    for (i64 i = 0; low && i < left; ++i) low[i] = 0;
    if (!inside) continue;
    split_run(image + (y * s.w - s.pad_left) * s.c + left, borders.right - left, borders.width - left, high + left,
              low ? low + left : nullptr, overflow);
  }
  // Behind the last line: what meets zeros must be a number.
  for (i64 i = 0; i < kRun; ++i) high[i] = 0;
  for (i64 i = 0; low && i < kRun; ++i) low[i] = 0;
}

// The filters (kh, kw, c, f). Turned around they are those of the input's gradient: `s` is the transposed shape, with
// an even c, the filters (kh, kw, s.f, s.c).
inline bool pack_filters(const WindowShape& s, int parts, bool turned, const float* kernel, u32* panels) {
  Overflow overflow;
  const i64 depth = row_depth(s), taps = s.kh * s.kw;
  for (i64 j = 0; j < s.f; j += kPanel) {
    const i64 width = s.f - j > 16 ? kPanel : kPanel / 2, cols = least(width, s.f - j);
    u32* panel = panels + j * panel_words(s);
    for (i64 ky = 0; ky < s.kh; ++ky, panel += depth / 2 * width) {
      if (!turned) {
        pack_right(kernel + ky * s.kw * s.c * s.f + j, s.f, false, cols, width, s.kw * s.c, depth, panel,
                   parts == 2 ? panel + filter_words(s) : nullptr, overflow);
        continue;
      }
      // Taps follow each other, and what one writes behind its end the next one overwrites.
      for (i64 kx = 0; kx < s.kw; ++kx) {
        const i64 tap = taps - 1 - (ky * s.kw + kx);
        u32* at = panel + kx * s.c / 2 * width;
        pack_right(kernel + (tap * s.f + j) * s.c, s.c, true, cols, width, s.c, kx + 1 < s.kw ? s.c : depth - kx * s.c,
                   at, parts == 2 ? at + filter_words(s) : nullptr, overflow);
      }
    }
  }
  return !overflow.found();
}

// y of the images [n0, n1).
inline bool convolve(const WindowShape& s, int parts, i64 n0, i64 n1, const float* x, const u32* panels,
                     const float* bias, Activation activation, float* y, void* workspace) {
  const Band band(s, 2 * parts);
  Pieces pieces(workspace);
  const ConvPieces own(pieces, band, parts);
  Overflow overflow;
  Unit unit;
  const i64 depth = row_depth(s), line = line_width(s) * s.c, pixels = line_width(s);
  const i64 cuts = (s.ow + Unit::kRows - 1) / Unit::kRows;
  const bool flat = goes_flat(s);
  for (i64 n = n0; n < n1; ++n) {
    for (i64 begin = 0; begin < s.oh; begin += band.lines) {
      const i64 end = least(s.oh, begin + band.lines), first = begin * s.stride_h - s.pad_top;
      split_lines(s, x + n * s.h * s.w * s.c, first, (end - begin - 1) * s.stride_h + s.kh, own.high, own.low,
                  overflow);
      for (i64 j = 0; j < s.f; j += kPanel) {
        const i64 width = s.f - j > 16 ? kPanel : kPanel / 2;
        float* result = y + (n * s.oh + begin) * s.ow * s.f + j;
        TileJob job = {.parts = parts,
                       .pairs = depth / 2,
                       .segments = s.kh,
                       .a = own.high,
                       .a_row = s.stride_w * s.c,
                       .a_jump = line - depth,
                       .a_part = own.low ? own.low - own.high : 0,
                       .b = panels + j * panel_words(s),
                       .b_step = width,
                       .b_jump = 0,
                       .b_part = filter_words(s),
                       .c = result,
                       .c_row = s.f,
                       .cols = least(width, s.f - j),
                       .add = false,
                       .bias = bias ? bias + j : nullptr,
                       .relu = activation == Activation::relu};
        if (flat) {
          // Whole tiles of pixels, those between the lines among them, which nobody wants.
          const TileJob wanted = job;
          job.c = own.tile;
          job.c_row = kPanel;
          job.cols = width;
          job.bias = nullptr;
          job.relu = false;
          for (i64 q = 0; q < (end - begin) * pixels; q += Unit::kRows) {
            job.a = own.high + q * s.c;
            unit.run(job, Unit::kRows, width == kPanel ? 2 : 1);
            for (i64 i = 0; i < least(Unit::kRows, (end - begin) * pixels - q); ++i) {
              const i64 ox = (q + i) % pixels;
              if (ox >= s.ow) continue;
              float* to = result + ((q + i) / pixels * s.ow + ox) * s.f;
              for (i64 k = 0; k < wanted.cols; ++k) {
                const float value = own.tile[i * kPanel + k] + (wanted.bias ? wanted.bias[k] : 0.0f);
                to[k] = wanted.relu && value < 0 ? 0.0f : value;
              }
            }
          }
          continue;
        }
        for (i64 oy = begin; oy < end; ++oy) {
          // The rows of the window that lie in the image.
          const i64 top = oy * s.stride_h - s.pad_top, low = least(s.kh, most(0, -top));
          job.segments = most(0, least(s.kh, s.h - top) - low);
          job.b = panels + j * panel_words(s) + low * depth / 2 * width;
          for (i64 t = 0; t < cuts; ++t) {
            const i64 ox = s.ow * t / cuts;
            job.a = own.high + (top + low - first) * line + ox * s.stride_w * s.c;
            job.c = result + ((oy - begin) * s.ow + ox) * s.f;
            unit.run(job, s.ow * (t + 1) / cuts - ox, width == kPanel ? 2 : 1);
          }
        }
      }
      if (overflow.found()) return false;
    }
  }
  return true;
}

// The kernel's gradient is computed transposed: dy's columns are the rows of a left operand whose neighbours along k
// are pixels; the right operand lies in the image's lines when each number is there as a word with the one of the next
// pixel.
struct GradientPieces {
  i64 pitch, row;  // numbers of dy's columns: from line to line, and from column to column
  i64 part;        // of dy's columns
  float *lines, *sum;
  u32 *high, *low;
  u16* left;

  GradientPieces(Pieces& pieces, const WindowShape& s, const Band& band, int parts, bool flat) {
    pitch = flat ? line_width(s) : up(s.ow, Unit::kDepth);
    row = up(band.lines * pitch, kRun) + 2 * kRun;
    part = row * up(most(s.f, Unit::kRows), most(kSquare, Unit::kRows));
    lines = pieces.take<float>(band.numbers + band.slack);
    sum = pieces.take<float>(up(s.f, kSquare) * up(s.kh * s.kw * s.c, kSquare));
    high = pieces.take<u32>(band.numbers + band.slack);
    low = parts == 2 ? pieces.take<u32>(band.numbers + band.slack) : nullptr;
    left = pieces.take<u16>(parts * part);
  }
};

// Adds the part of the images [n0, n1) to dkernel.
inline bool convolve_kernel_gradient(const WindowShape& s, int parts, i64 n0, i64 n1, const float* x, const float* dy,
                                     float* dkernel, void* workspace) {
  const Band band(s, 4 * parts);
  const bool flat = goes_flat(s);
  Pieces pieces(workspace);
  const GradientPieces own(pieces, s, band, parts, flat);
  const Borders borders(s);
  const i64 depth = s.kw * s.c, patch = s.kh * depth, step = s.stride_w * s.c;
  // Vectors of columns and rows of a tile.
  const bool widest = depth % (16 * Unit::kWidest) == 0;
  const i64 panel = widest ? 16 * Unit::kWidest : kPanel, high_tile = widest ? Unit::kWidestRows : Unit::kRows;
  const i64 sum_row = up(patch, kSquare), bands = (s.f + high_tile - 1) / high_tile;
  for (i64 i = 0; i < up(s.f, kSquare) * sum_row; ++i) own.sum[i] = 0;
  Overflow overflow;
  Unit unit;
  for (i64 n = n0; n < n1; ++n) {
    for (i64 begin = 0; begin < s.oh; begin += band.lines) {
      const i64 end = least(s.oh, begin + band.lines), first = begin * s.stride_h - s.pad_top;
      const i64 lines = (end - begin - 1) * s.stride_h + s.kh, numbers = lines * borders.width;
      for (i64 y = first; y < first + lines; ++y) {
        float* __restrict to = own.lines + (y - first) * borders.width;
        const bool inside = y >= 0 && y < s.h;
        const float* __restrict from = x + ((n * s.h + y) * s.w - s.pad_left) * s.c;
        const i64 left = inside ? borders.left : borders.width, right = inside ? borders.right : borders.width;
        for (i64 i = 0; i < left; ++i) to[i] = 0;
        for (i64 i = left; i < right; ++i) to[i] = from[i];
        for (i64 i = right; i < borders.width; ++i) to[i] = 0;
      }
      for (i64 i = numbers; i < numbers + band.slack; ++i) own.lines[i] = 0;
      pair_runs(own.lines, own.lines + step, numbers + band.slack - step, numbers + band.slack, own.high, own.low,
                overflow);
      for (i64 oy = begin; oy < end; ++oy) {
        u16* to = own.left + (oy - begin) * own.pitch;
        pack_left(dy + (n * s.oh + oy) * s.ow * s.f, s.f, true, s.f, s.ow, own.pitch, to,
                  parts == 2 ? to + own.part : nullptr, own.row, overflow);
      }
      if (overflow.found()) return false;
      if (flat) {  // zeros for what the last word block has too much
        for (i64 r = 0; r < parts * up(s.f, kSquare); ++r) {
          u16* behind = own.left + (r / up(s.f, kSquare)) * own.part + r % up(s.f, kSquare) * own.row;
          for (i64 i = (end - begin) * own.pitch; i < own.row; ++i) behind[i] = 0;
        }
      }
      for (i64 ky = 0; ky < s.kh; ++ky) {
        // Output lines to which this row of the window is in the image; the others see zeros.
        i64 low = begin, high = end;
        if (!flat) {
          while (low < high && low * s.stride_h - s.pad_top + ky < 0) ++low;
          while (high > low && (high - 1) * s.stride_h - s.pad_top + ky >= s.h) --high;
        }
        if (low == high) continue;
        const i64 pairs = flat ? up((end - begin) * own.pitch, Unit::kDepth) / 2 : own.pitch / 2;
        for (i64 j = 0; j < depth; j += panel) {
          const i64 width = least(panel, up(depth - j, 16));
          for (i64 t = 0; t < bands; ++t) {
            const i64 row = Unit::kRows % 16 == 0 ? t * Unit::kRows : s.f * t / bands;
            const i64 rows = (Unit::kRows % 16 == 0 ? least(s.f, row + high_tile) : s.f * (t + 1) / bands) - row;
            const TileJob job = {.parts = parts,
                                 .pairs = pairs,
                                 .segments = flat ? 1 : high - low,
                                 .a = own.left + row * own.row + (low - begin) * own.pitch,
                                 .a_row = own.row,
                                 .a_jump = 0,
                                 .a_part = own.part,
                                 .b = own.high + ((low - begin) * s.stride_h + ky) * borders.width + j,
                                 .b_step = 2 * step,
                                 .b_jump = s.stride_h * borders.width - pairs * 2 * step,
                                 .b_part = own.low ? own.low - own.high : 0,
                                 .c = own.sum + row * sum_row + ky * depth + j,
                                 .c_row = sum_row,
                                 .cols = least(width, depth - j),
                                 .add = true,
                                 .bias = nullptr,
                                 .relu = false};
            unit.run(job, rows, static_cast<int>(width / 16));
          }
        }
      }
    }
  }
  alignas(64) float square[kSquare][kSquare];
  for (i64 i = 0; i < patch; i += kSquare) {
    for (i64 j = 0; j < s.f; j += kSquare) {
      transpose_words(own.sum + j * sum_row + i, 4 * sum_row, square, 4 * kSquare);
      for (i64 p = i; p < least(patch, i + kSquare); ++p) {
        for (i64 q = j; q < least(s.f, j + kSquare); ++q) dkernel[p * s.f + q] += square[p - i][q - j];
      }
    }
  }
  return true;
}

// ---- the table's functions
// -------------------------------------------------------------------------------------------

inline WindowShape seen(const Bf16Conv& conv) { return conv.turned ? phase_of(conv.shape, 0, 0).shape : conv.shape; }
inline u32* aligned_panels(const void* memory) {
  return reinterpret_cast<u32*>((reinterpret_cast<std::uintptr_t>(memory) + 63) / 64 * 64);
}

inline std::size_t conv_filter_bytes(const Bf16Conv& conv) {
  return static_cast<std::size_t>(conv.parts * filter_words(seen(conv)) * 4 + 64);
}
inline std::size_t conv_workspace(const Bf16Conv& conv) {
  Pieces pieces(nullptr);
  const ConvPieces own(pieces, Band(seen(conv), 2 * conv.parts), conv.parts);
  return pieces.bytes();
}
inline std::size_t conv_kernel_gradient_workspace(const Bf16Conv& conv) {
  Pieces pieces(nullptr);
  const GradientPieces own(pieces, conv.shape, Band(conv.shape, 4 * conv.parts), conv.parts, goes_flat(conv.shape));
  return pieces.bytes();
}
inline bool conv_pack(const Bf16Conv& conv, const float* kernel, void* filters) {
  return pack_filters(seen(conv), conv.parts, conv.turned, kernel, aligned_panels(filters));
}
inline bool conv(const Bf16Conv& conv, i64 n0, i64 n1, const float* x, const void* filters, const float* bias,
                 Activation activation, float* y, void* workspace) {
  return convolve(seen(conv), conv.parts, n0, n1, x, aligned_panels(filters), bias, activation, y, workspace);
}
inline bool conv_kernel_gradient(const Bf16Conv& conv, i64 n0, i64 n1, const float* x, const float* dy, float* dkernel,
                                 void* workspace) {
  return convolve_kernel_gradient(conv.shape, conv.parts, n0, n1, x, dy, dkernel, workspace);
}

}  // namespace keratin::cpu::KERATIN_ISA
