#include "keratin/backends/cuda/device/elementwise.h"
#include "keratin/backends/cuda/device/math.h"
#include "keratin/backends/cuda/device/typed.h"
#include "keratin/backends/cuda/device/vector.h"

namespace keratin::cuda {
namespace {

using Byte = std::uint8_t;

// Calls run(f) with the function object of `op`.
template <class T, class Run>
KERATIN_HOST_DEVICE void with_binary(Binary op, Run&& run) {
  switch (op) {
    case Binary::add: return run(math::Add());
    case Binary::subtract: return run(math::Subtract());
    case Binary::multiply: return run(math::Multiply());
    case Binary::maximum: return run(math::Maximum());
    case Binary::minimum: return run(math::Minimum());
    case Binary::divide:
      if constexpr (math::kFloating<T>) run(math::Divide());
      return;
    case Binary::power:
      if constexpr (math::kFloating<T>) run(math::Power());
      return;
  }
}
template <class Run>
KERATIN_HOST_DEVICE void with_compare(Compare op, Run&& run) {
  switch (op) {
    case Compare::equal: return run(math::Equal());
    case Compare::not_equal: return run(math::NotEqual());
    case Compare::less: return run(math::Less());
    case Compare::less_equal: return run(math::LessEqual());
    case Compare::greater: return run(math::Greater());
    case Compare::greater_equal: return run(math::GreaterEqual());
    case Compare::logical_and: return run(math::LogicalAnd());
    case Compare::logical_or: return run(math::LogicalOr());
  }
}

// Strided operands are rarer: one kernel for all ops, which asks for the op in each element.
template <class T>
struct StridedBinary {
  const T *a, *b;
  T* y;
  Strided<2> strided;
  Binary op;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const auto at = strided.offsets(i);
    const T left = a[at.at[0]], right = b[at.at[1]];
    T result{};
    with_binary<T>(op, [&](auto f) { result = f(left, right); });
    y[i] = result;
  }
};
template <class T>
struct StridedCompare {
  const T *a, *b;
  Byte* y;
  Strided<2> strided;
  Compare op;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const auto at = strided.offsets(i);
    const T left = a[at.at[0]], right = b[at.at[1]];
    Byte result = 0;
    with_compare(op, [&](auto f) { result = f(left, right); });
    y[i] = result;
  }
};

template <class T>
struct Select {
  const Byte* condition;
  const T *a, *b;
  T* y;
  Operands<3> operands;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    i64 at[3];
    if (operands.strided) {
      const auto offsets = operands.at.offsets(i);
      for (int k = 0; k < 3; ++k) at[k] = offsets.at[k];
    } else {
      for (int k = 0; k < 3; ++k) at[k] = operands.single[k] ? 0 : i;
    }
    y[i] = condition[at[0]] ? a[at[1]] : b[at[2]];
  }
};

template <class T>
struct AddBias {
  const T* bias;  // may be null
  T* y;
  i64 columns;
  bool relu;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    T value = y[i];
    if (bias) value += bias[i - quotient(i, columns) * columns];
    y[i] = relu ? math::Relu()(value) : value;
  }
};

}  // namespace

void binary(Stream stream, Binary op, DType dtype, const Operands<2>& o, const void* a, const void* b, void* y) {
  for_number(dtype, [&]<class T>() {
    if (o.strided) return for_each(stream, o.n, StridedBinary<T>{as<T>(a), as<T>(b), as<T>(y), o.at, op});
    with_binary<T>(op, [&](auto f) { map2(stream, as<T>(a), o.single[0], as<T>(b), o.single[1], as<T>(y), o.n, f); });
  });
}

void compare(Stream stream, Compare op, DType dtype, const Operands<2>& o, const void* a, const void* b, void* y) {
  for_number(dtype, [&]<class T>() {
    if (o.strided) return for_each(stream, o.n, StridedCompare<T>{as<T>(a), as<T>(b), as<Byte>(y), o.at, op});
    with_compare(op, [&](auto f) { map2(stream, as<T>(a), o.single[0], as<T>(b), o.single[1], as<Byte>(y), o.n, f); });
  });
}

void select(Stream stream, std::size_t element, const Operands<3>& operands, const void* condition, const void* a,
            const void* b, void* y) {
  for_size(element, [&]<class T>() {
    for_each(stream, operands.n, Select<T>{as<Byte>(condition), as<T>(a), as<T>(b), as<T>(y), operands});
  });
}

void add_bias(Stream stream, DType dtype, bool relu, const void* bias, void* y, i64 rows, i64 columns) {
  for_float(dtype, [&]<class T>() {
    for_each(stream, rows * columns, AddBias<T>{as<T>(bias), as<T>(y), columns, relu});
  });
}

}  // namespace keratin::cuda
