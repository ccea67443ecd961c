// Conversion between element types, batch rows by index, embedding lookup and its gradient.
#include "keratin/backends/cpu/simd/families.h"
#include "keratin/backends/cpu/simd/fold.h"

namespace keratin::cpu::KERATIN_ISA {
namespace {

struct Bool {
  std::uint8_t value;
};

// The nearest value of an integer type; NaN becomes 0.
template <class To, class From>
KERATIN_INLINE To saturate(From x) {
  constexpr From kLow = static_cast<From>(Max::start<To>);
  // The largest integer may not be representable in From; kEnd, one above it, always is.
  constexpr From kEnd = -kLow;
  const From clamped = x >= kLow ? x : kLow;
  const To inside = static_cast<To>(clamped < kEnd ? clamped : From{0});
  return x != x ? To{0} : x >= kEnd ? Min::start<To> : inside;
}

template <class To, class From>
KERATIN_INLINE To cast(From x) {
  if constexpr (!kIsFloat<From> || kIsFloat<To>) {
    return static_cast<To>(x);
  } else if constexpr (sizeof(To) == 1) {
    const From low = x >= From{0} ? x : From{0};  // NaN becomes 0 here
    return static_cast<To>(static_cast<int>(low < From{255} ? low : From{255}));
  } else {
    return saturate<To>(x);
  }
}

using Convert = void (*)(const void*, void*, i64, double, double);

template <class From, class To>
void convert_run(const void* from, void* to, i64 n, double scale, double offset) {
  const From* __restrict x = static_cast<const From*>(from);
  if constexpr (__is_same(To, Bool)) {
    std::uint8_t* __restrict y = static_cast<std::uint8_t*>(to);
    for (i64 i = 0; i < n; ++i) y[i] = x[i] != From{0};
  } else {
    To* __restrict y = static_cast<To*>(to);
    if (scale == 1.0 && offset == 0.0) {
      for (i64 i = 0; i < n; ++i) y[i] = cast<To>(x[i]);
    } else if constexpr (kIsFloat<To>) {
      const To a = static_cast<To>(scale), b = static_cast<To>(offset);
      for (i64 i = 0; i < n; ++i) y[i] = static_cast<To>(x[i]) * a + b;
    } else {
      for (i64 i = 0; i < n; ++i) y[i] = cast<To>(static_cast<double>(x[i]) * scale + offset);
    }
  }
}

template <class From>
Convert converter_from(DType to) {
  switch (to) {
    case DType::float32: return convert_run<From, float>;
    case DType::float64: return convert_run<From, double>;
    case DType::int32: return convert_run<From, std::int32_t>;
    case DType::int64: return convert_run<From, i64>;
    case DType::uint8: return convert_run<From, std::uint8_t>;
    case DType::boolean: break;
  }
  return convert_run<From, Bool>;
}

Convert converter(DType from, DType to) {
  switch (from) {
    case DType::float32: return converter_from<float>(to);
    case DType::float64: return converter_from<double>(to);
    case DType::int32: return converter_from<std::int32_t>(to);
    case DType::int64: return converter_from<i64>(to);
    case DType::uint8:
    case DType::boolean: break;
  }
  return converter_from<std::uint8_t>(to);
}

i64 bytes_of(DType dtype) {
  switch (dtype) {
    case DType::float32:
    case DType::int32: return 4;
    case DType::float64:
    case DType::int64: return 8;
    case DType::uint8:
    case DType::boolean: break;
  }
  return 1;
}

void convert(DType from, DType to, const void* x, void* y, i64 n, double scale, double offset) {
  converter(from, to)(x, y, n, scale, offset);
}

void gather_rows(DType from, DType to, const void* x, const i64* index, i64 rows, i64 row, double scale, double offset,
                 void* y) {
  const Convert run = converter(from, to);
  const char* source = static_cast<const char*>(x);
  char* target = static_cast<char*>(y);
  const i64 source_row = row * bytes_of(from), target_row = row * bytes_of(to);
  // Rows lie anywhere in the data: no processor guesses where the next one begins.
  constexpr i64 kAhead = 2, kLine = 64, kMost = 4096;
  const i64 fetched = source_row < kMost ? source_row : kMost;
  for (i64 r = 0; r < rows; ++r, target += target_row) {
    if (r + kAhead < rows) {
      const char* next = source + index[r + kAhead] * source_row;
      for (i64 at = 0; at < fetched; at += kLine) __builtin_prefetch(next + at);
    }
    run(source + index[r] * source_row, target, row, scale, offset);
  }
}

KERATIN_INLINE i64 index_at(DType dtype, const void* index, i64 r) {
  return dtype == DType::int32 ? static_cast<const std::int32_t*>(index)[r] : static_cast<const i64*>(index)[r];
}

template <class T>
i64 embedding(const T* table, i64 vocabulary, i64 dim, DType dtype, const void* index, i64 rows, T* __restrict y) {
  i64 outside = 0;
  for (i64 r = 0; r < rows; ++r, y += dim) {
    const i64 at = index_at(dtype, index, r);
    if (at < 0 || at >= vocabulary) {
      ++outside;
      for (i64 i = 0; i < dim; ++i) y[i] = T{0};
    } else {
      const T* row = table + at * dim;
      for (i64 i = 0; i < dim; ++i) y[i] = row[i];
    }
  }
  return outside;
}

template <class T>
void embedding_gradient(const T* dy, i64 dim, DType dtype, const void* index, i64 rows, i64 v0, i64 v1, T* dtable) {
  for (i64 i = v0 * dim; i < v1 * dim; ++i) dtable[i] = T{0};
  for (i64 r = 0; r < rows; ++r) {
    const i64 at = index_at(dtype, index, r);
    if (at < v0 || at >= v1) continue;
    T* __restrict row = dtable + at * dim;
    const T* __restrict gradient = dy + r * dim;
    for (i64 i = 0; i < dim; ++i) row[i] += gradient[i];
  }
}

}  // namespace

void add_gather(Simd& simd) {
  simd.convert = convert;
  simd.gather_rows = gather_rows;
  simd.f32.embedding = embedding<float>;
  simd.f64.embedding = embedding<double>;
  simd.f32.embedding_gradient = embedding_gradient<float>;
  simd.f64.embedding_gradient = embedding_gradient<double>;
}

}  // namespace keratin::cpu::KERATIN_ISA
