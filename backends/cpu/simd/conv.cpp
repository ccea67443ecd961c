// Convolution over NHWC images: straight from the image where windows are runs of memory (direct_conv.h), channel by
// channel where groups are as many (depthwise.h), or else patches are gathered tile by tile (im2col) and multiplied by
// the filters.
#include "keratin/backends/cpu/simd/depthwise.h"
#include "keratin/backends/cpu/simd/direct_conv.h"
#include "keratin/backends/cpu/simd/families.h"
#include "keratin/backends/cpu/simd/gemm.h"

namespace keratin::cpu::KERATIN_ISA {
namespace {

constexpr i64 kTileBytes = 192 * 1024;  // of patches and results: patches stay in the L2 cache until the product
constexpr std::size_t kAlign = 64;

// Rows are output pixels, counted over all images; a patch is (kh, kw, channels of the group).
struct Tiling {
  i64 channels, filters, patch, rows;
  bool whole;    // the image itself is the matrix of patches
  bool columns;  // patches are stored transposed, (patch, rows): with few channels, runs along the image are longer
};

Tiling tiling(const WindowShape& s, i64 element) {
  Tiling t;
  t.channels = s.c / s.groups;
  t.filters = s.f / s.groups;
  t.patch = s.kh * s.kw * t.channels;
  t.whole = s.kh == 1 && s.kw == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_top == 0 && s.pad_left == 0 &&
            s.oh == s.h && s.ow == s.w;
  t.columns = !t.whole && t.channels * s.kw < 16 && s.ow >= 8;
  const i64 all = most(1, s.n * s.oh * s.ow);
  // A direct product needs no patches; its tiles only bound the product's own workspace.
  const i64 wanted = t.whole ? 4096 : kTileBytes / most(1, (t.patch + t.filters) * element) / 8 * 8;
  t.rows = most(1, least(all, most(48, wanted)));
  return t;
}

std::size_t aligned(std::size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

// Distance between the stored rows of the patches of a tile: pixels, or elements of a patch.
i64 patches_stride(const WindowShape& s, const Tiling& t, i64 rows) {
  return t.whole ? s.c : t.columns ? rows : t.patch;
}

GemmShape forward_shape(const WindowShape& s, const Tiling& t, i64 rows) {
  return {.m = rows,
          .n = t.filters,
          .k = t.patch,
          .lda = patches_stride(s, t, rows),
          .ldb = s.f,
          .ldc = s.f,
          .trans_a = t.columns};
}
// The gradient's patches are never transposed: they are added to the image run by run either way. How many images are
// computed at a time depends on the number of threads, and the result must not.
GemmShape input_shape(const WindowShape& s, const Tiling& t, i64 rows) {
  return {.m = rows,
          .n = t.patch,
          .k = t.filters,
          .lda = s.f,
          .ldb = s.f,
          .ldc = t.whole ? s.c : t.patch,
          .trans_b = true,
          .any_rows = true};
}
GemmShape kernel_shape(const WindowShape& s, const Tiling& t, i64 rows) {
  return {.m = t.patch,
          .n = t.filters,
          .k = rows,
          .lda = patches_stride(s, t, rows),
          .ldb = s.f,
          .ldc = s.f,
          .trans_a = !t.columns,
          .accumulate = true};
}

// Which of the two ways a direction goes.
template <class T>
bool goes_straight(const WindowShape& s) {
  return is_direct<T>(s) && !tiling(s, sizeof(T)).whole;
}
template <class T>
bool input_goes_straight(const WindowShape& s) {
  return goes_straight<T>(s) && is_direct_input<T>(s);
}
template <class T>
bool kernel_goes_straight(const WindowShape& s) {
  return goes_straight<T>(s) && is_direct_gradient<T>(s);
}

// Packed filters, and behind them the copied lines.
template <class T>
struct StraightBuffers {
  T *panels, *lines;
};
template <class T>
StraightBuffers<T> place_straight(i64 panel_elements, void* workspace) {
  const auto start = (reinterpret_cast<std::uintptr_t>(workspace) + kAlign - 1) / kAlign * kAlign;
  T* panels = reinterpret_cast<T*>(start);
  return {panels, panels + panel_elements};
}

template <class T>
std::size_t workspace(const WindowShape& s) {
  if (is_depthwise(s)) return 0;
  i64 elements = goes_straight<T>(s) ? panel_elements<T>(s) + line_elements<T>(s) : 0;
  if (input_goes_straight<T>(s)) elements = most(elements, input_panel_elements<T>(s) + input_line_elements<T>(s));
  const std::size_t straight = static_cast<std::size_t>(elements) * sizeof(T) + kAlign;
  if (goes_straight<T>(s) && input_goes_straight<T>(s) && kernel_goes_straight<T>(s)) return straight;
  const Tiling t = tiling(s, sizeof(T));
  const std::size_t patches = t.whole ? 0 : aligned(static_cast<std::size_t>(t.rows * t.patch) * sizeof(T));
  const T* type = nullptr;
  std::size_t product = gemm_workspace(forward_shape(s, t, t.rows), type);
  const std::size_t input = gemm_workspace(input_shape(s, t, t.rows), type);
  const std::size_t kernel = gemm_workspace(kernel_shape(s, t, t.rows), type);
  if (input > product) product = input;
  if (kernel > product) product = kernel;
  const std::size_t tiles = patches + product + kAlign;
  return tiles > straight ? tiles : straight;
}

// Visits the rows [row, row + rows) of the patches: f(patch row, image, top left corner of the window).
struct Window {
  i64 image, y, x;  // input coordinates of the first tap
};

KERATIN_INLINE Window window_of(const WindowShape& s, i64 row) {
  const i64 ox = row % s.ow, oy = row / s.ow % s.oh;
  return {row / s.ow / s.oh, oy * s.stride_h - s.pad_top, ox * s.stride_w - s.pad_left};
}

template <class T>
KERATIN_INLINE void copy(const T* from, T* to, i64 n) {
  for (i64 i = 0; i < n; ++i) to[i] = from[i];
}
template <class T>
KERATIN_INLINE void add(const T* from, T* to, i64 n) {
  for (i64 i = 0; i < n; ++i) to[i] += from[i];
}
template <class T>
KERATIN_INLINE void zero(T* to, i64 n) {
  for (i64 i = 0; i < n; ++i) to[i] = T{0};
}

// x points at the group's first channel.
template <class T>
void gather_patches(const WindowShape& s, const Tiling& t, i64 row, i64 rows, const T* x, T* patches) {
  const i64 channels = t.channels;
  const bool dense = channels == s.c && s.dilation_w == 1;  // a window's row is one run of memory
  for (i64 r = 0; r < rows; ++r) {
    const Window window = window_of(s, row + r);
    for (i64 ky = 0; ky < s.kh; ++ky, patches += s.kw * channels) {
      const i64 y = window.y + ky * s.dilation_h;
      if (y < 0 || y >= s.h) {
        zero(patches, s.kw * channels);
        continue;
      }
      const T* line = x + (window.image * s.h + y) * s.w * s.c;
      if (dense) {
        // Taps left of the image, inside it, right of it.
        const i64 left = most(0, least(s.kw, -window.x)), right = most(left, least(s.kw, s.w - window.x));
        zero(patches, left * channels);
        copy(line + (window.x + left) * channels, patches + left * channels, (right - left) * channels);
        zero(patches + right * channels, (s.kw - right) * channels);
        continue;
      }
      for (i64 kx = 0; kx < s.kw; ++kx) {
        const i64 column = window.x + kx * s.dilation_w;
        if (column < 0 || column >= s.w) {
          zero(patches + kx * channels, channels);
        } else {
          copy(line + column * s.c, patches + kx * channels, channels);
        }
      }
    }
  }
}

// The same with patches stored as columns: patches[element of the patch][row].
template <class T>
void gather_columns(const WindowShape& s, const Tiling& t, i64 row, i64 rows, const T* x, T* patches) {
  // Rows of one output line at a time.
  for (i64 done = 0; done < rows;) {
    const i64 ox = (row + done) % s.ow;
    const i64 count = least(s.ow - ox, rows - done);
    const Window window = window_of(s, row + done);
    T* __restrict to = patches + done;
    for (i64 ky = 0; ky < s.kh; ++ky) {
      const i64 y = window.y + ky * s.dilation_h;
      const bool inside = y >= 0 && y < s.h;
      for (i64 kx = 0; kx < s.kw; ++kx) {
        // Columns of the image seen by this tap: column, column + stride, ...; those in [left, right) exist.
        const i64 column = window.x + kx * s.dilation_w, stride = s.stride_w;
        i64 left = column < 0 ? least(count, (-column + stride - 1) / stride) : 0;
        i64 right = column < s.w ? least(count, (s.w - column + stride - 1) / stride) : 0;
        if (!inside || right <= left) left = right = 0;
        const i64 start = ((window.image * s.h + y) * s.w + column) * s.c;
        for (i64 channel = 0; channel < t.channels; ++channel, to += rows) {
          zero(to, left);
          if (stride * s.c == 1) {
            for (i64 i = left; i < right; ++i) to[i] = x[start + i];
          } else {
            for (i64 i = left; i < right; ++i) to[i] = x[start + i * stride * s.c + channel];
          }
          zero(to + right, count - right);
        }
      }
    }
    done += count;
  }
}

// The transpose of gather_patches: adds every patch element to the pixel it came from.
template <class T>
void scatter_patches(const WindowShape& s, const Tiling& t, i64 row, i64 rows, const T* patches, T* x) {
  const i64 channels = t.channels;
  const bool dense = channels == s.c && s.dilation_w == 1;
  for (i64 r = 0; r < rows; ++r) {
    const Window window = window_of(s, row + r);
    for (i64 ky = 0; ky < s.kh; ++ky, patches += s.kw * channels) {
      const i64 y = window.y + ky * s.dilation_h;
      if (y < 0 || y >= s.h) continue;
      T* line = x + (window.image * s.h + y) * s.w * s.c;
      if (dense) {
        const i64 left = most(0, least(s.kw, -window.x)), right = most(left, least(s.kw, s.w - window.x));
        add(patches + left * channels, line + (window.x + left) * channels, (right - left) * channels);
        continue;
      }
      for (i64 kx = 0; kx < s.kw; ++kx) {
        const i64 column = window.x + kx * s.dilation_w;
        if (column >= 0 && column < s.w) add(patches + kx * channels, line + column * s.c, channels);
      }
    }
  }
}

template <class T>
void gather(const WindowShape& s, const Tiling& t, i64 row, i64 rows, const T* x, T* patches) {
  if (t.columns) {
    gather_columns(s, t, row, rows, x, patches);
  } else if (!t.whole) {
    gather_patches(s, t, row, rows, x, patches);
  }
}

template <class T>
struct Buffers {
  T* patches;
  void* product;
};

template <class T>
Buffers<T> place(const Tiling& t, void* workspace) {
  const auto start = (reinterpret_cast<std::uintptr_t>(workspace) + kAlign - 1) / kAlign * kAlign;
  const std::size_t patches = t.whole ? 0 : aligned(static_cast<std::size_t>(t.rows * t.patch) * sizeof(T));
  return {reinterpret_cast<T*>(start), reinterpret_cast<void*>(start + patches)};
}

// Where images lie one after another.
template <class T>
Place<T> place_of(const WindowShape& s, T* y) {
  return {y, s.f, s.ow * s.f, s.oh * s.ow * s.f};
}

template <class T>
void finish(const ConvFinish<T>& f, i64 rows, i64 columns, T* y) {
  finish_pixels(f, 0, columns, rows, y, columns, f.more);
}

template <class T>
void forward_finish(const WindowShape& s, i64 n0, i64 n1, const T* x, const T* kernel, const ConvFinish<T>& f, T* y,
                    void* workspace) {
  const i64 first = n0 * s.oh * s.ow, end = n1 * s.oh * s.ow;
  // Products and channels know bias and activation; what stands between them comes after.
  const bool early = !f.scale && !f.more;
  const T* const bias = early ? f.bias : nullptr;
  const Activation activation = early ? f.activation : Activation::none;
  const auto finish_rows = [&](i64 row, i64 rows) {
    if (!early) finish_pixels(f, 0, s.f, rows, y + row * s.f, s.f, f.more ? f.more + row * s.f : nullptr);
  };
  if (is_depthwise(s)) {
    depthwise_forward(s, n0, n1, x, kernel, bias, activation, y);
    return finish_rows(first, end - first);
  }
  if (goes_straight<T>(s)) {
    const StraightBuffers<T> buffers = place_straight<T>(panel_elements<T>(s), workspace);
    pack_filters(s, kernel, buffers.panels);
    return direct_forward(s, n0, n1, x, buffers.panels, f, place_of(s, y), buffers.lines);
  }
  const Tiling t = tiling(s, sizeof(T));
  const Buffers<T> buffers = place<T>(t, workspace);
  for (i64 row = first; row < end; row += t.rows) {
    const i64 rows = least(t.rows, end - row);
    for (i64 g = 0; g < s.groups; ++g) {
      const T* group = x + g * t.channels;
      const T* a = t.whole ? group + row * s.c : buffers.patches;
      gather(s, t, row, rows, group, buffers.patches);
      gemm(forward_shape(s, t, rows), a, kernel + g * t.filters, y + row * s.f + g * t.filters,
           bias ? bias + g * t.filters : nullptr, activation, buffers.product);
    }
    finish_rows(row, rows);
  }
}

template <class T>
void forward(const WindowShape& s, i64 n0, i64 n1, const T* x, const T* kernel, const T* bias, Activation activation,
             T* y, void* workspace) {
  forward_finish<T>(s, n0, n1, x, kernel, {.bias = bias, .activation = activation}, y, workspace);
}

template <class T>
std::size_t packed_bytes(const WindowShape& s) {
  if (is_depthwise(s) || !goes_straight<T>(s)) return 0;
  return static_cast<std::size_t>(panel_elements<T>(s)) * sizeof(T);
}

template <class T>
void forward_packed_finish(const WindowShape& s, i64 n0, i64 n1, const T* x, const T* packed, const ConvFinish<T>& f,
                           T* y, void* workspace) {
  direct_forward(s, n0, n1, x, packed, f, place_of(s, y), place_straight<T>(0, workspace).lines);
}

template <class T>
void forward_packed(const WindowShape& s, i64 n0, i64 n1, const T* x, const T* packed, const T* bias,
                    Activation activation, T* y, void* workspace) {
  forward_packed_finish<T>(s, n0, n1, x, packed, {.bias = bias, .activation = activation}, y, workspace);
}

template <class T>
void input_gradient(const WindowShape& s, i64 n0, i64 n1, const T* dy, const T* kernel, T* dx, void* workspace) {
  if (is_depthwise(s)) return depthwise_input_gradient(s, n0, n1, dy, kernel, dx);
  if (input_goes_straight<T>(s)) {
    const StraightBuffers<T> buffers = place_straight<T>(input_panel_elements<T>(s), workspace);
    return direct_input_gradient(s, n0, n1, dy, kernel, dx, buffers.panels, buffers.lines);
  }
  const Tiling t = tiling(s, sizeof(T));
  const Buffers<T> buffers = place<T>(t, workspace);
  const i64 image = s.h * s.w * s.c, end = n1 * s.oh * s.ow;
  if (!t.whole) zero(dx + n0 * image, (n1 - n0) * image);
  for (i64 row = n0 * s.oh * s.ow; row < end; row += t.rows) {
    const i64 rows = least(t.rows, end - row);
    for (i64 g = 0; g < s.groups; ++g) {
      T* group = dx + g * t.channels;
      T* c = t.whole ? group + row * s.c : buffers.patches;
      gemm(input_shape(s, t, rows), dy + row * s.f + g * t.filters, kernel + g * t.filters, c,
           static_cast<const T*>(nullptr), Activation::none, buffers.product);
      if (!t.whole) scatter_patches(s, t, row, rows, buffers.patches, group);
    }
  }
}

template <class T>
void kernel_gradient(const WindowShape& s, i64 n0, i64 n1, const T* x, const T* dy, T* dkernel, void* workspace) {
  if (is_depthwise(s)) return depthwise_kernel_gradient(s, n0, n1, x, dy, dkernel);
  if (kernel_goes_straight<T>(s)) {
    return direct_kernel_gradient(s, n0, n1, x, dy, dkernel, place_straight<T>(0, workspace).lines);
  }
  const Tiling t = tiling(s, sizeof(T));
  const Buffers<T> buffers = place<T>(t, workspace);
  const i64 end = n1 * s.oh * s.ow;
  for (i64 row = n0 * s.oh * s.ow; row < end; row += t.rows) {
    const i64 rows = least(t.rows, end - row);
    for (i64 g = 0; g < s.groups; ++g) {
      const T* group = x + g * t.channels;
      const T* a = t.whole ? group + row * s.c : buffers.patches;
      gather(s, t, row, rows, group, buffers.patches);
      gemm(kernel_shape(s, t, rows), a, dy + row * s.f + g * t.filters, dkernel + g * t.filters,
           static_cast<const T*>(nullptr), Activation::none, buffers.product);
    }
  }
}

template <class T>
void fill(FloatKernels<T>& kernels) {
  kernels.conv_workspace = workspace<T>;
  kernels.conv_forward = forward<T>;
  kernels.conv_forward_finish = forward_finish<T>;
  kernels.conv_finish = finish<T>;
  kernels.conv_packed_bytes = packed_bytes<T>;
  kernels.conv_pack = pack_filters<T>;
  kernels.conv_forward_packed = forward_packed<T>;
  kernels.conv_forward_packed_finish = forward_packed_finish<T>;
  kernels.conv_input_gradient = input_gradient<T>;
  kernels.conv_kernel_gradient = kernel_gradient<T>;
}

}  // namespace

void add_conv(FloatKernels<float>& kernels) { fill(kernels); }
void add_conv(FloatKernels<double>& kernels) { fill(kernels); }

}  // namespace keratin::cpu::KERATIN_ISA
