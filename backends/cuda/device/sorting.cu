#include "keratin/backends/cuda/device/sorting.h"

#include "keratin/backends/cuda/device/index.h"
#include "keratin/backends/cuda/device/math.h"
#include "keratin/backends/cuda/device/typed.h"

namespace keratin::cuda {
namespace {

template <class T>
struct Argsort {
  const T* x;
  std::int32_t* y;
  i64 size;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const i64 row = quotient(i, size), own = i - row * size;
    const T* values = x + row * size;
    const T value = values[own];
    i64 before = 0;
    KERATIN_UNROLL
    for (i64 k = 0; k < size; ++k) {
      const T other = values[k];
      // NaN is not equal to itself.
      const bool less = other < value || (value != value && other == other);
      const bool equal = other == value || (value != value && other != other);
      before += less || (equal && k < own) ? 1 : 0;
    }
    y[row * size + before] = static_cast<std::int32_t>(own);
  }
};

template <class T>
struct Cumsum {
  const T* x;
  T* y;
  i64 size, inner;
  bool reverse;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const i64 outer = quotient(i, inner), column = outer * size * inner + (i - outer * inner);
    T sum{0};
    for (i64 k = 0; k < size; ++k) {
      const i64 at = column + (reverse ? size - 1 - k : k) * inner;
      sum = math::Add()(sum, x[at]);
      y[at] = sum;
    }
  }
};

}  // namespace

void argsort(Stream stream, DType dtype, i64 rows, i64 size, const void* x, std::int32_t* y) {
  for_number(dtype, [&]<class T>() { for_each(stream, rows * size, Argsort<T>{as<T>(x), y, size}); });
}

void cumsum(Stream stream, DType dtype, i64 outer, i64 size, i64 inner, bool reverse, const void* x, void* y) {
  for_number(dtype, [&]<class T>() {
    for_each(stream, outer * inner, Cumsum<T>{as<T>(x), as<T>(y), size, inner, reverse});
  });
}

}  // namespace keratin::cuda
