#include "keratin/backends/cuda/device/elementwise.h"
#include "keratin/backends/cuda/device/math.h"
#include "keratin/backends/cuda/device/typed.h"
#include "keratin/backends/cuda/device/vector.h"

namespace keratin::cuda {
namespace {

using Byte = std::uint8_t;

template <class T>
void number_unary(Stream stream, Unary op, const T* x, T* y, i64 n) {
  switch (op) {
    case Unary::negative: return map(stream, x, y, n, math::Negative());
    case Unary::abs: return map(stream, x, y, n, math::Abs());
    case Unary::square: return map(stream, x, y, n, math::Square());
    default: return map(stream, x, y, n, math::Sign());
  }
}

template <class T>
void float_unary(Stream stream, Unary op, const T* x, T* y, i64 n) {
  switch (op) {
    case Unary::sqrt: return map(stream, x, y, n, math::Sqrt());
    case Unary::rsqrt: return map(stream, x, y, n, math::Rsqrt());
    case Unary::reciprocal: return map(stream, x, y, n, math::Reciprocal());
    case Unary::exp: return map(stream, x, y, n, math::Exp());
    case Unary::expm1: return map(stream, x, y, n, math::Expm1());
    case Unary::log: return map(stream, x, y, n, math::Log());
    case Unary::log1p: return map(stream, x, y, n, math::Log1p());
    case Unary::sin: return map(stream, x, y, n, math::Sin());
    case Unary::cos: return map(stream, x, y, n, math::Cos());
    case Unary::tanh: return map(stream, x, y, n, math::Tanh());
    case Unary::sigmoid: return map(stream, x, y, n, math::Sigmoid());
    case Unary::softplus: return map(stream, x, y, n, math::Softplus());
    case Unary::erf: return map(stream, x, y, n, math::Erf());
    case Unary::arctan: return map(stream, x, y, n, math::Arctan());
    case Unary::relu: return map(stream, x, y, n, math::Relu());
    case Unary::floor: return map(stream, x, y, n, math::Floor());
    case Unary::ceil: return map(stream, x, y, n, math::Ceil());
    case Unary::round: return map(stream, x, y, n, math::Round());
    default: return number_unary(stream, op, x, y, n);
  }
}

template <class From, class To>
struct Convert {
  KERATIN_HOST_DEVICE To operator()(From x) const { return math::convert<To>(x); }
};

template <class From>
void convert_from(Stream stream, DType to, const From* x, void* y, i64 n) {
  visit_dtype(to, [&]<class To>() { map(stream, x, as<To>(y), n, Convert<From, To>()); });
}

}  // namespace

void unary(Stream stream, Unary op, DType dtype, const void* x, void* y, i64 n) {
  for_number(dtype, [&]<class T>() {
    if constexpr (math::kFloating<T>) {
      float_unary(stream, op, as<T>(x), as<T>(y), n);
    } else {
      number_unary(stream, op, as<T>(x), as<T>(y), n);
    }
  });
}

void test(Stream stream, Test op, DType dtype, const void* x, void* y, i64 n) {
  if (op == Test::logical_not) return map(stream, as<Byte>(x), as<Byte>(y), n, math::LogicalNot());
  for_float(dtype, [&]<class T>() {
    op == Test::is_nan ? map(stream, as<T>(x), as<Byte>(y), n, math::IsNan())
                       : map(stream, as<T>(x), as<Byte>(y), n, math::IsFinite());
  });
}

void gradient(Stream stream, Gradient op, DType dtype, const void* dy, const void* y, void* dx, i64 n) {
  for_float(dtype, [&]<class T>() {
    const auto run = [&](auto f) { map2(stream, as<T>(dy), false, as<T>(y), false, as<T>(dx), n, f); };
    switch (op) {
      case Gradient::relu: return run(math::ReluGrad());
      case Gradient::sigmoid: return run(math::SigmoidGrad());
      case Gradient::tanh: return run(math::TanhGrad());
    }
  });
}

void convert(Stream stream, DType from, DType to, const void* x, void* y, i64 n) {
  for_number(from, [&]<class From>() { convert_from(stream, to, as<From>(x), y, n); });
}

}  // namespace keratin::cuda
