#include "keratin/backends/cuda/device/reduce.h"

#include "keratin/backends/cuda/device/index.h"
#include "keratin/backends/cuda/device/math.h"
#include "keratin/backends/cuda/device/typed.h"

namespace keratin::cuda {
namespace {

struct Sum {
  template <class T>
  static KERATIN_HOST_DEVICE T start() {
    return T{0};
  }
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T a, T b) const {
    return math::Add()(a, b);
  }
};
struct Prod {
  template <class T>
  static KERATIN_HOST_DEVICE T start() {
    return T{1};
  }
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T a, T b) const {
    return math::Multiply()(a, b);
  }
};
struct Max {
  template <class T>
  static KERATIN_HOST_DEVICE T start() {
    constexpr T low = math::kFloating<T> ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::min();
    return low;
  }
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T a, T b) const {
    return math::Maximum()(a, b);
  }
};
struct Min {
  template <class T>
  static KERATIN_HOST_DEVICE T start() {
    constexpr T high = math::kFloating<T> ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
    return high;
  }
  template <class T>
  KERATIN_HOST_DEVICE T operator()(T a, T b) const {
    return math::Minimum()(a, b);
  }
};

// One thread for each (outer, block, inner): neighbours read neighbours.
template <class Op, class T>
struct ReduceColumns {
  const T* x;
  T* y;
  ReduceShape shape;
  i64 blocks;
  T scale;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const i64 row = quotient(i, shape.inner), inner = i - row * shape.inner;
    const i64 outer = quotient(row, blocks), block = row - outer * blocks;
    const i64 first = block * shape.block_rows;
    const i64 count = first + shape.block_rows < shape.reduce ? shape.block_rows : shape.reduce - first;
    const T* column = x + (outer * shape.reduce + first) * shape.inner + inner;
    T result = Op::template start<T>();
    KERATIN_UNROLL
    for (i64 r = 0; r < count; ++r) result = Op()(result, column[r * shape.inner]);
    if constexpr (math::kFloating<T>) result *= scale;
    y[i] = result;
  }
};

// A team for each (outer, block) where the elements of a row are neighbours.
template <class Op, class T>
struct ReduceRows {
  const T* x;
  T* y;
  ReduceShape shape;
  i64 blocks;
  T scale;
  template <class Team>
  KERATIN_HOST_DEVICE void operator()(const Team& team, i64 i) const {
    const i64 outer = quotient(i, blocks), block = i - outer * blocks;
    const i64 first = block * shape.block_rows;
    const i64 count = first + shape.block_rows < shape.reduce ? shape.block_rows : shape.reduce - first;
    const T* row = x + outer * shape.reduce + first;
    T part = Op::template start<T>();
    KERATIN_UNROLL
    for (i64 r = team.rank(); r < count; r += team.size()) part = Op()(part, row[r]);
    T result = team.reduce(part, Op());
    if constexpr (math::kFloating<T>) result *= scale;
    if (team.rank() == 0) y[i] = result;
  }
};

template <class Op, class T>
void reduce_as(Stream stream, const ReduceShape& shape, const T* x, double scale, T* y) {
  const i64 blocks = shape.blocks(), results = shape.outer * blocks;
  const T factor = math::kFloating<T> ? static_cast<T>(scale) : T{1};
  if (shape.inner == 1) {
    for_each_team(stream, results, shape.block_rows, ReduceRows<Op, T>{x, y, shape, blocks, factor});
  } else {
    for_each(stream, results * shape.inner, ReduceColumns<Op, T>{x, y, shape, blocks, factor});
  }
}

// The larger one; of equal ones the first; a NaN before any number.
struct First {
  template <class T>
  KERATIN_HOST_DEVICE Found<T> operator()(Found<T> a, Found<T> b) const {
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    const bool tie = a_nan == b_nan && (a_nan || a.value == b.value);
    const bool a_wins = tie ? a.index <= b.index : a_nan || (!b_nan && a.value > b.value);
    return a_wins ? a : b;
  }
};

template <class T>
struct ArgMax {
  const T* x;
  std::int32_t* y;
  i64 reduce, inner;
  template <class Team>
  KERATIN_HOST_DEVICE void operator()(const Team& team, i64 i) const {
    const i64 outer = quotient(i, inner);
    const T* column = x + outer * reduce * inner + (i - outer * inner);
    // Threads without an element of their own begin with the first, which is as good as no element.
    Found<T> best{column[0], 0};
    for (i64 r = team.rank(); r < reduce; r += team.size()) best = First()(best, Found<T>{column[r * inner], r});
    best = team.reduce(best, First());
    if (team.rank() == 0) y[i] = static_cast<std::int32_t>(best.index);
  }
};

}  // namespace

void reduce(Stream stream, Reduction op, DType dtype, const ReduceShape& shape, const void* x, double scale, void* y) {
  for_number(dtype, [&]<class T>() {
    switch (op) {
      case Reduction::sum: return reduce_as<Sum>(stream, shape, as<T>(x), scale, as<T>(y));
      case Reduction::max: return reduce_as<Max>(stream, shape, as<T>(x), scale, as<T>(y));
      case Reduction::min: return reduce_as<Min>(stream, shape, as<T>(x), scale, as<T>(y));
      case Reduction::prod: return reduce_as<Prod>(stream, shape, as<T>(x), scale, as<T>(y));
    }
  });
}

void argmax(Stream stream, DType dtype, i64 outer, i64 reduce, i64 inner, const void* x, std::int32_t* y) {
  for_number(dtype, [&]<class T>() {
    for_each_team(stream, outer * inner, reduce, ArgMax<T>{as<T>(x), y, reduce, inner});
  });
}

}  // namespace keratin::cuda
