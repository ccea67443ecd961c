// Elementwise functions of two arguments, comparisons and selection, for floating and integer types.
#include "keratin/backends/cpu/simd/families.h"
#include "keratin/backends/cpu/simd/math.h"

namespace keratin::cpu::KERATIN_ISA {
namespace {

// Short rows are put next to each other first: one loop over many elements is quicker than many over a few.
constexpr i64 kRowBuffer = 256;

template <auto f, class T, class R>
void map2(Layout layout, const T* a, const T* b, R* y, i64 n, i64 k) {
  switch (layout) {
    case Layout::same:
      KERATIN_INDEPENDENT
      for (i64 i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
      return;
    case Layout::scalar_right: {
      const T right = *b;
      KERATIN_INDEPENDENT
      for (i64 i = 0; i < n; ++i) y[i] = f(a[i], right);
      return;
    }
    case Layout::scalar_left: {
      const T left = *a;
      KERATIN_INDEPENDENT
      for (i64 i = 0; i < n; ++i) y[i] = f(left, b[i]);
      return;
    }
    case Layout::row_right: {
      i64 row = 0;
      if (2 * k <= kRowBuffer && 4 * k <= n) {
        T rows[kRowBuffer];
        const i64 many = kRowBuffer / k * k;
        for (i64 start = 0; start < many; start += k) {
          for (i64 i = 0; i < k; ++i) rows[start + i] = b[i];
        }
        for (; row + many <= n; row += many, a += many, y += many) {
          KERATIN_INDEPENDENT
          for (i64 i = 0; i < many; ++i) y[i] = f(a[i], rows[i]);
        }
        KERATIN_INDEPENDENT
        for (i64 i = 0; i < n - row; ++i) y[i] = f(a[i], rows[i]);
        return;
      }
      for (; row < n; row += k, a += k, y += k) {
        KERATIN_INDEPENDENT
        for (i64 i = 0; i < k; ++i) y[i] = f(a[i], b[i]);
      }
      return;
    }
  }
}

KERATIN_INLINE float pow(float x, float y) { return __builtin_powf(x, y); }
KERATIN_INLINE double pow(double x, double y) { return __builtin_pow(x, y); }

template <class T>
void power(Layout layout, const T* a, const T* b, T* y, i64 n, i64 k) {
  if (layout == Layout::scalar_right && *b == T{2}) {
    return map2<[](T x, T) { return x * x; }, T, T>(layout, a, b, y, n, k);
  }
  if (layout == Layout::scalar_right && *b == T{-1}) {
    return map2<[](T x, T) { return T{1} / x; }, T, T>(layout, a, b, y, n, k);
  }
  if (layout == Layout::scalar_right && *b == T{0.5}) {
    // pow(-inf, 0.5) is +inf and pow(-0, 0.5) is +0.
    return map2<[](T x, T) { return x == -math::kInfinity<T> ? math::kInfinity<T> : math::sqrt(x) + T{0}; }, T, T>(
        layout, a, b, y, n, k);
  }
  map2<[](T x, T e) { return pow(x, e); }, T, T>(layout, a, b, y, n, k);
}

template <class T>
KERATIN_INLINE T quotient(T a, T b) {
  if constexpr (T{1} / T{2} != T{0}) {
    return a / b;
  } else {
    // The lowest number divided by -1 does not fit; negation wraps.
    return b == T{0} ? T{0} : b == T{-1} ? static_cast<T>(0 - static_cast<std::uint64_t>(a)) : static_cast<T>(a / b);
  }
}

// Integers wrap around.
template <class T, class F>
KERATIN_INLINE T wrapping(T a, T b, F f) {
  if constexpr (T{1} / T{2} != T{0}) {
    return f(a, b);
  } else {
    return static_cast<T>(f(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
  }
}

template <class T>
void choose(Layout layout, const std::uint8_t* condition, const T* a, const T* b, T* y, i64 n, i64 k) {
  switch (layout) {
    case Layout::same:
      KERATIN_INDEPENDENT
      for (i64 i = 0; i < n; ++i) {
        const T left = a[i], right = b[i];
        y[i] = condition[i] ? left : right;
      }
      return;
    case Layout::scalar_right: {
      const T right = *b;
      KERATIN_INDEPENDENT
      for (i64 i = 0; i < n; ++i) {
        const T left = a[i];
        y[i] = condition[i] ? left : right;
      }
      return;
    }
    case Layout::scalar_left: {
      const T left = *a;
      KERATIN_INDEPENDENT
      for (i64 i = 0; i < n; ++i) {
        const T right = b[i];
        y[i] = condition[i] ? left : right;
      }
      return;
    }
    case Layout::row_right:
      for (i64 row = 0; row < n; row += k, a += k, y += k, condition += k) {
        KERATIN_INDEPENDENT
        for (i64 i = 0; i < k; ++i) {
          const T left = a[i], right = b[i];
          y[i] = condition[i] ? left : right;
        }
      }
      return;
  }
}

template <class T, class Kernels>
void fill(Kernels& kernels) {
  const auto set = [&](Binary op, void (*f)(Layout, const T*, const T*, T*, i64, i64)) {
    kernels.binary[static_cast<int>(op)] = f;
  };
  set(Binary::add, map2<[](T a, T b) { return wrapping(a, b, [](auto x, auto y) { return x + y; }); }, T, T>);
  set(Binary::subtract, map2<[](T a, T b) { return wrapping(a, b, [](auto x, auto y) { return x - y; }); }, T, T>);
  set(Binary::multiply, map2<[](T a, T b) { return wrapping(a, b, [](auto x, auto y) { return x * y; }); }, T, T>);
  set(Binary::divide, map2<[](T a, T b) { return quotient(a, b); }, T, T>);
  // A NaN on either side is the result.
  set(Binary::maximum, map2<[](T a, T b) { return ((a > b) | (a != a)) ? a : b; }, T, T>);
  set(Binary::minimum, map2<[](T a, T b) { return ((a < b) | (a != a)) ? a : b; }, T, T>);
  using Byte = std::uint8_t;
  const auto compare = [&](Compare op, void (*f)(Layout, const T*, const T*, Byte*, i64, i64)) {
    kernels.compare[static_cast<int>(op)] = f;
  };
  compare(Compare::equal, map2<[](T a, T b) { return static_cast<Byte>(a == b); }, T, Byte>);
  compare(Compare::not_equal, map2<[](T a, T b) { return static_cast<Byte>(a != b); }, T, Byte>);
  compare(Compare::less, map2<[](T a, T b) { return static_cast<Byte>(a < b); }, T, Byte>);
  compare(Compare::less_equal, map2<[](T a, T b) { return static_cast<Byte>(a <= b); }, T, Byte>);
  compare(Compare::greater, map2<[](T a, T b) { return static_cast<Byte>(a > b); }, T, Byte>);
  compare(Compare::greater_equal, map2<[](T a, T b) { return static_cast<Byte>(a >= b); }, T, Byte>);
  kernels.select = choose<T>;
}

}  // namespace

void add_binary(Simd& simd) {
  fill<float>(simd.f32);
  fill<double>(simd.f64);
  fill<std::int32_t>(simd.i32);
  fill<i64>(simd.i64s);
  simd.f32.binary[static_cast<int>(Binary::power)] = power<float>;
  simd.f64.binary[static_cast<int>(Binary::power)] = power<double>;
}

}  // namespace keratin::cpu::KERATIN_ISA
