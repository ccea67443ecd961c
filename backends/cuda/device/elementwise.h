// Element-wise kernels by op and element type. Booleans are bytes.
#pragma once

#include "keratin/backends/cuda/device/index.h"
#include "keratin/core/tensor/dtype.h"

namespace keratin::cuda {

enum class Unary : std::uint8_t {
  negative,
  abs,
  square,
  sign,  // also of integers
  sqrt,
  rsqrt,
  reciprocal,
  exp,
  expm1,
  log,
  log1p,
  sin,
  cos,
  tanh,
  sigmoid,
  softplus,
  erf,
  arctan,
  relu,
  floor,
  ceil,
  round,
};
enum class Test : std::uint8_t { is_finite, is_nan, logical_not };
enum class Gradient : std::uint8_t { relu, sigmoid, tanh };
enum class Binary : std::uint8_t {
  add,
  subtract,
  multiply,
  maximum,
  minimum,  // also of integers
  divide,
  power,
};
enum class Compare : std::uint8_t {
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  logical_and,
  logical_or
};

void unary(Stream stream, Unary op, DType dtype, const void* x, void* y, i64 n);
void test(Stream stream, Test op, DType dtype, const void* x, void* y, i64 n);
void gradient(Stream stream, Gradient op, DType dtype, const void* dy, const void* y, void* dx, i64 n);
void convert(Stream stream, DType from, DType to, const void* x, void* y, i64 n);

// How the operands of a result of n elements lie: both as long as the result or one element each, or strided.
template <int operands>
struct Operands {
  i64 n = 0;
  bool single[operands] = {};
  bool strided = false;
  Strided<operands> at = {};
};

void binary(Stream stream, Binary op, DType dtype, const Operands<2>& operands, const void* a, const void* b, void* y);
void compare(Stream stream, Compare op, DType dtype, const Operands<2>& operands, const void* a, const void* b,
             void* y);
// Elements of 1, 4 or 8 bytes.
void select(Stream stream, std::size_t element, const Operands<3>& operands, const void* condition, const void* a,
            const void* b, void* y);
// y[row, i] = f(y[row, i] + bias[i]) in place; bias may be null.
void add_bias(Stream stream, DType dtype, bool relu, const void* bias, void* y, i64 rows, i64 columns);

}  // namespace keratin::cuda
