// Reductions of (outer, reduce, inner) views, and argmax.
#include "keratin/backends/cpu/simd/families.h"
#include "keratin/backends/cpu/simd/fold.h"

namespace keratin::cpu::KERATIN_ISA {
namespace {

constexpr i64 kColumns = 512;  // accumulators on the stack
constexpr i64 kRows = 128;     // rows added up before they join the total: keeps rounding errors small

// rows x width, joined down the columns into y.
template <class Op, class T>
void fold_columns(const T* x, i64 rows, i64 width, i64 stride, T* __restrict y) {
  T block[kColumns];
  for (i64 i = 0; i < width; ++i) y[i] = Op::template start<T>;
  for (i64 r0 = 0; r0 < rows; r0 += kRows) {
    const i64 end = r0 + kRows < rows ? r0 + kRows : rows;
    for (i64 i = 0; i < width; ++i) block[i] = Op::template start<T>;
    i64 r = r0;
    // Four rows at a time: fewer passes over the accumulators.
    for (; r + 4 <= end; r += 4) {
      const T* row = x + r * stride;
      for (i64 i = 0; i < width; ++i) {
        const T low = Op::join(row[i], row[i + stride]);
        const T high = Op::join(row[i + 2 * stride], row[i + 3 * stride]);
        block[i] = Op::join(block[i], Op::join(low, high));
      }
    }
    for (; r < end; ++r) {
      const T* row = x + r * stride;
      for (i64 i = 0; i < width; ++i) block[i] = Op::join(block[i], row[i]);
    }
    for (i64 i = 0; i < width; ++i) y[i] = Op::join(y[i], block[i]);
  }
}

// Few columns, rows without gaps: several rows are treated as one long row, whose parts are joined at the end.
template <class Op, class T>
void fold_narrow(const T* x, i64 rows, i64 width, T* __restrict y) {
  T wide[kColumns];
  const i64 group = 128 / width, count = rows / group;
  fold_columns<Op>(x, count, group * width, group * width, wide);
  fold_columns<Op>(x + count * group * width, rows - count * group, width, width, y);
  for (i64 g = 0; g < group; ++g) {
    for (i64 i = 0; i < width; ++i) y[i] = Op::join(y[i], wide[g * width + i]);
  }
}

template <class Op, class T>
void reduce(const ReduceShape& s, const T* x, T* y) {
  for (i64 o = 0; o < s.outer; ++o, x += s.reduce * s.stride, y += s.stride) {
    if (s.inner == 1 && s.stride == 1) {
      *y = fold<Op>(x, s.reduce);
    } else if (s.inner == s.stride && s.inner <= 32 && s.reduce >= 256) {
      fold_narrow<Op>(x, s.reduce, s.inner, y);
    } else {
      for (i64 i = 0; i < s.inner; i += kColumns) {
        fold_columns<Op>(x + i, s.reduce, s.inner - i < kColumns ? s.inner - i : kColumns, s.stride, y + i);
      }
    }
  }
}

template <class T>
void mean(const ReduceShape& s, const T* x, T* y) {
  reduce<Sum>(s, x, y);
  for (i64 o = 0; o < s.outer; ++o) {
    for (i64 i = 0; i < s.inner; ++i) y[o * s.stride + i] /= static_cast<T>(s.reduce);
  }
}

// The first maximum; a NaN counts as larger than anything.
template <class T, class Index>
void first_maxima(const T* x, i64 rows, i64 cols, Index* y) {
  for (i64 r = 0; r < rows; ++r, x += cols) {
    const T best = fold<Max>(x, cols);
    i64 i = 0;
    if (best == best) {
      while (x[i] != best) ++i;
    } else {
      while (x[i] == x[i]) ++i;
    }
    y[r] = static_cast<Index>(i);
  }
}

template <class T>
void argmax(const T* x, i64 rows, i64 cols, DType to, void* y) {
  if (to == DType::int32) {
    first_maxima(x, rows, cols, static_cast<std::int32_t*>(y));
  } else {
    first_maxima(x, rows, cols, static_cast<i64*>(y));
  }
}

template <class T, class Kernels>
void fill(Kernels& kernels) {
  const auto set = [&](Reduction op, void (*f)(const ReduceShape&, const T*, T*)) {
    kernels.reduce[static_cast<int>(op)] = f;
  };
  set(Reduction::sum, reduce<Sum, T>);
  set(Reduction::max, reduce<Max, T>);
  set(Reduction::min, reduce<Min, T>);
  set(Reduction::prod, reduce<Prod, T>);
}

}  // namespace

void add_reduce(Simd& simd) {
  fill<float>(simd.f32);
  fill<double>(simd.f64);
  fill<std::int32_t>(simd.i32);
  fill<i64>(simd.i64s);
  simd.f32.reduce[static_cast<int>(Reduction::mean)] = mean<float>;
  simd.f64.reduce[static_cast<int>(Reduction::mean)] = mean<double>;
  simd.f32.argmax = argmax<float>;
  simd.f64.argmax = argmax<double>;
}

}  // namespace keratin::cpu::KERATIN_ISA
