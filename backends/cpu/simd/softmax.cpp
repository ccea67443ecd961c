// Softmax over rows, its logarithm, and crossentropy with integer labels.
#include "keratin/backends/cpu/simd/families.h"
#include "keratin/backends/cpu/simd/fold.h"

namespace keratin::cpu::KERATIN_ISA {
namespace {

constexpr i64 kBlock = 1024;  // exponentials computed at once: short rows together, long rows in pieces

KERATIN_INLINE i64 rows_at_once(i64 cols) { return cols >= kBlock ? 1 : kBlock / cols; }

template <class T>
KERATIN_INLINE void exp_all(T* x, i64 n) {
  for (i64 i = 0; i < n; ++i) x[i] = math::exp(x[i]);
}

template <class T>
void softmax(const T* x, i64 rows, i64 cols, T* y) {
  if (cols <= 0) return;
  const i64 step = rows_at_once(cols);
  for (i64 r0 = 0; r0 < rows; r0 += step) {
    const i64 count = rows - r0 < step ? rows - r0 : step;
    for (i64 r = r0; r < r0 + count; ++r) {
      const T top = fold<Max>(x + r * cols, cols);
      KERATIN_INDEPENDENT
      for (i64 i = 0; i < cols; ++i) y[r * cols + i] = x[r * cols + i] - top;
    }
    exp_all(y + r0 * cols, count * cols);
    for (i64 r = r0; r < r0 + count; ++r) {
      const T scale = T{1} / fold<Sum>(y + r * cols, cols);
      for (i64 i = 0; i < cols; ++i) y[r * cols + i] *= scale;
    }
  }
}

// log(sum(exp(x − top))) of `count` rows, of which at most rows_at_once are given.
template <class T>
void log_sums(const T* x, i64 count, i64 cols, T* top, T* log_sum) {
  T buffer[kBlock];
  if (cols <= kBlock) {
    for (i64 r = 0; r < count; ++r) {
      top[r] = fold<Max>(x + r * cols, cols);
      for (i64 i = 0; i < cols; ++i) buffer[r * cols + i] = x[r * cols + i] - top[r];
    }
    exp_all(buffer, count * cols);
    for (i64 r = 0; r < count; ++r) log_sum[r] = math::log(fold<Sum>(buffer + r * cols, cols));
    return;
  }
  for (i64 r = 0; r < count; ++r, x += cols) {
    top[r] = fold<Max>(x, cols);
    T sum = T{0};
    for (i64 i0 = 0; i0 < cols; i0 += kBlock) {
      const i64 n = cols - i0 < kBlock ? cols - i0 : kBlock;
      for (i64 i = 0; i < n; ++i) buffer[i] = x[i0 + i] - top[r];
      exp_all(buffer, n);
      sum += fold<Sum>(buffer, n);
    }
    log_sum[r] = math::log(sum);
  }
}

// f(first row, rows, tops, logarithms of sums), for all rows.
template <class T, class F>
KERATIN_INLINE void for_log_sums(const T* x, i64 rows, i64 cols, F&& f) {
  if (cols <= 0) return;
  T top[kBlock], log_sum[kBlock];
  const i64 step = rows_at_once(cols);
  for (i64 r0 = 0; r0 < rows; r0 += step) {
    const i64 count = rows - r0 < step ? rows - r0 : step;
    log_sums(x + r0 * cols, count, cols, top, log_sum);
    f(r0, count, top, log_sum);
  }
}

template <class T>
void log_softmax(const T* x, i64 rows, i64 cols, T* y) {
  for_log_sums(x, rows, cols, [&](i64 r0, i64 count, const T* top, const T* log_sum) {
    for (i64 r = 0; r < count; ++r) {
      const i64 at = (r0 + r) * cols;
      KERATIN_INDEPENDENT
      for (i64 i = 0; i < cols; ++i) y[at + i] = x[at + i] - top[r] - log_sum[r];
    }
  });
}

// dx = y·(dy − sum(dy·y))
template <class T>
void softmax_gradient(const T* y, const T* dy, i64 rows, i64 cols, T* dx) {
  T product[kBlock];
  for (i64 r = 0; r < rows; ++r, y += cols, dy += cols, dx += cols) {
    T dot = T{0};
    for (i64 i0 = 0; i0 < cols; i0 += kBlock) {
      const i64 n = cols - i0 < kBlock ? cols - i0 : kBlock;
      for (i64 i = 0; i < n; ++i) product[i] = dy[i0 + i] * y[i0 + i];
      dot += fold<Sum>(product, n);
    }
    KERATIN_INDEPENDENT
    for (i64 i = 0; i < cols; ++i) dx[i] = y[i] * (dy[i] - dot);
  }
}

// dx = dy − exp(y)·sum(dy)
template <class T>
void log_softmax_gradient(const T* y, const T* dy, i64 rows, i64 cols, T* dx) {
  for (i64 r = 0; r < rows; ++r, y += cols, dy += cols, dx += cols) {
    const T sum = fold<Sum>(dy, cols);
    KERATIN_INDEPENDENT
    for (i64 i = 0; i < cols; ++i) dx[i] = dy[i] - math::exp(y[i]) * sum;
  }
}

KERATIN_INLINE i64 label_at(DType dtype, const void* labels, i64 r) {
  switch (dtype) {
    case DType::int32: return static_cast<const std::int32_t*>(labels)[r];
    case DType::int64: return static_cast<const i64*>(labels)[r];
    case DType::uint8:
    case DType::boolean: return static_cast<const std::uint8_t*>(labels)[r];
    case DType::float32:
    case DType::float64: break;
  }
  return -1;
}

template <class T>
void sparse_crossentropy(const T* logits, DType dtype, const void* labels, i64 rows, i64 cols, T* loss) {
  for_log_sums(logits, rows, cols, [&](i64 r0, i64 count, const T* top, const T* log_sum) {
    for (i64 r = 0; r < count; ++r) {
      const i64 label = label_at(dtype, labels, r0 + r);
      const bool valid = label >= 0 && label < cols;
      loss[r0 + r] = valid ? log_sum[r] - (logits[(r0 + r) * cols + label] - top[r]) : math::kNaN<T>;
    }
  });
}

template <class T>
void sparse_crossentropy_gradient(const T* logits, DType dtype, const void* labels, const T* row_scale, T scale,
                                  i64 rows, i64 cols, T* dlogits) {
  softmax(logits, rows, cols, dlogits);
  for (i64 r = 0; r < rows; ++r, dlogits += cols) {
    const i64 label = label_at(dtype, labels, r);
    const bool valid = label >= 0 && label < cols;
    const T factor = !valid ? math::kNaN<T> : row_scale ? scale * row_scale[r] : scale;
    if (valid) dlogits[label] -= T{1};
    for (i64 i = 0; i < cols; ++i) dlogits[i] *= factor;
  }
}

template <class T>
void fill(FloatKernels<T>& kernels) {
  kernels.softmax = softmax<T>;
  kernels.log_softmax = log_softmax<T>;
  kernels.softmax_gradient = softmax_gradient<T>;
  kernels.log_softmax_gradient = log_softmax_gradient<T>;
  kernels.sparse_crossentropy = sparse_crossentropy<T>;
  kernels.sparse_crossentropy_gradient = sparse_crossentropy_gradient<T>;
}

}  // namespace

void add_softmax(FloatKernels<float>& kernels) { fill(kernels); }
void add_softmax(FloatKernels<double>& kernels) { fill(kernels); }

}  // namespace keratin::cpu::KERATIN_ISA
