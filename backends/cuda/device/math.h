// The functions of the element-wise ops, for kernels and for the host; integers wrap around.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "keratin/backends/cuda/device/launch.h"

namespace keratin::cuda::math {

template <class T>
inline constexpr bool kFloating = std::is_floating_point_v<T>;

// f(a, b) for floating numbers; in unsigned arithmetic, which wraps, for integers.
#define KERATIN_WRAPPING(name, op)                                           \
  struct name {                                                              \
    template <class T>                                                       \
    KERATIN_HOST_DEVICE T operator()(T a, T b) const {                       \
      if constexpr (kFloating<T>) {                                          \
        return a op b;                                                       \
      } else {                                                               \
        using Bits = std::uint64_t;                                          \
        return static_cast<T>(static_cast<Bits>(a) op static_cast<Bits>(b)); \
      }                                                                      \
    }                                                                        \
  }
KERATIN_WRAPPING(Add, +);
KERATIN_WRAPPING(Subtract, -);
KERATIN_WRAPPING(Multiply, *);
#undef KERATIN_WRAPPING

struct Divide {
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T a, T b) const {
    return a / b;
  }
};
struct Power {
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T a, T b) const {
    if (b == T{2}) return a * a;
    return std::pow(a, b);
  }
};
// A NaN on either side is the result.
struct Maximum {
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};
struct Minimum {
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T a, T b) const {
    return a < b || a != a ? a : b;
  }
};

#define KERATIN_COMPARISON(name, op)                              \
  struct name {                                                   \
    template <class T>                                            \
    KERATIN_HOST_DEVICE std::uint8_t operator()(T a, T b) const { \
      return a op b ? 1 : 0;                                      \
    }                                                             \
  }
KERATIN_COMPARISON(Equal, ==);
KERATIN_COMPARISON(NotEqual, !=);
KERATIN_COMPARISON(Less, <);
KERATIN_COMPARISON(LessEqual, <=);
KERATIN_COMPARISON(Greater, >);
KERATIN_COMPARISON(GreaterEqual, >=);
#undef KERATIN_COMPARISON

#define KERATIN_LOGICAL(name, op)                                 \
  struct name {                                                   \
    template <class T>                                            \
    KERATIN_HOST_DEVICE std::uint8_t operator()(T a, T b) const { \
      return (a != T{0}) op(b != T{0}) ? 1 : 0;                   \
    }                                                             \
  }
KERATIN_LOGICAL(LogicalAnd, &&);
KERATIN_LOGICAL(LogicalOr, ||);
#undef KERATIN_LOGICAL

#define KERATIN_UNARY(name, ...)                  \
  struct name {                                   \
    template <class T>                            \
    KERATIN_HOST_DEVICE T operator()(T x) const { \
      return static_cast<T>(__VA_ARGS__);         \
    }                                             \
  }
KERATIN_UNARY(Negative, kFloating<T> ? -x : Subtract()(T{0}, x));
KERATIN_UNARY(Square, Multiply()(x, x));
KERATIN_UNARY(Sqrt, std::sqrt(x));
KERATIN_UNARY(Rsqrt, T{1} / std::sqrt(x));
KERATIN_UNARY(Reciprocal, T{1} / x);
KERATIN_UNARY(Exp, std::exp(x));
KERATIN_UNARY(Expm1, std::expm1(x));
KERATIN_UNARY(Log, std::log(x));
KERATIN_UNARY(Log1p, std::log1p(x));
KERATIN_UNARY(Sin, std::sin(x));
KERATIN_UNARY(Cos, std::cos(x));
KERATIN_UNARY(Tanh, std::tanh(x));
KERATIN_UNARY(Erf, std::erf(x));
KERATIN_UNARY(Arctan, std::atan(x));
KERATIN_UNARY(Relu, x < T{0} ? T{0} : x);  // keeps NaN
KERATIN_UNARY(Floor, std::floor(x));
KERATIN_UNARY(Ceil, std::ceil(x));
KERATIN_UNARY(Round, std::rint(x));  // ties to even
#undef KERATIN_UNARY

struct Abs {
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T x) const {
    if constexpr (kFloating<T>) {
      return std::fabs(x);
    } else if constexpr (std::is_signed_v<T>) {
      return x < T{0} ? Subtract()(T{0}, x) : x;
    } else {
      return x;
    }
  }
};
struct Sign {
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T x) const {
    if constexpr (std::is_signed_v<T>) {
      if (x < T{0}) return T{-1};
    }
    return x > T{0} ? T{1} : x;  // keeps NaN and -0
  }
};
struct Sigmoid {
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T x) const {
    const T e = std::exp(-std::fabs(x));  // never overflows
    return (x >= T{0} ? T{1} : e) / (T{1} + e);
  }
};
struct Softplus {
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T x) const {
    return (x > T{0} || x != x ? x : T{0}) + std::log1p(std::exp(-std::fabs(x)));
  }
};
struct IsFinite {
  template <class T>
  KERATIN_HOST_DEVICE std::uint8_t operator()(T x) const {
    return x - x == T{0} ? 1 : 0;
  }
};
struct IsNan {
  template <class T>
  KERATIN_HOST_DEVICE std::uint8_t operator()(T x) const {
    return x != x ? 1 : 0;
  }
};
struct LogicalNot {
  KERATIN_HOST_DEVICE std::uint8_t operator()(std::uint8_t x) const { return x == 0 ? 1 : 0; }
};

// Gradients from dy and the result y.
struct ReluGrad {
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T dy, T y) const {
    return y > T{0} ? dy : T{0};
  }
};
struct SigmoidGrad {
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T dy, T y) const {
    return dy * y * (T{1} - y);
  }
};
struct TanhGrad {
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T dy, T y) const {
    return dy * (T{1} - y * y);
  }
};

// A number as another type; floating numbers outside of an integer type become its nearest number, NaN becomes 0.
template <class To, class From>
KERATIN_HOST_DEVICE To convert(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != From{0};
  } else if constexpr (!kFloating<From> || kFloating<To>) {
    return static_cast<To>(x);
  } else {
    // The lowest number is a power of two, and so exact; so is the one above the highest.
    constexpr From low = static_cast<From>(std::numeric_limits<To>::min());
    constexpr From end = sizeof(To) == 1 ? From{256} : -low;
    if (x != x) return To{0};
    if (x <= low) return std::numeric_limits<To>::min();
    if (x >= end) return std::numeric_limits<To>::max();
    return static_cast<To>(x);
  }
}

}  // namespace keratin::cuda::math
