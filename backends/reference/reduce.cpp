// Reductions over axes.
#include "keratin/core/ops/reduce.h"

#include <cmath>
#include <limits>

#include "keratin/backends/reference/kernels.h"
#include "keratin/backends/reference/walk.h"

namespace keratin::reference {
namespace {

// Where each element of `shape` goes when `axes` are reduced: those stand still.
Walk reduce_walk(const Shape& shape, const std::vector<int>& axes) {
  Shape kept = shape;
  for (int axis : axes) kept[axis] = 1;
  std::vector<i64> strides = row_major_strides(kept);
  for (int axis : axes) strides[static_cast<std::size_t>(axis)] = 0;
  return Walk(shape, std::move(strides));
}

// The elements of each group are folded into one in row-major order, beginning with `first`. Integers stay integers.
template <class T, class Fold>
std::vector<T> fold_groups(const ReduceAttrs& attrs, const Array& in, const Array& out, T first, Fold fold) {
  std::vector<T> result(static_cast<std::size_t>(out.size()), first);
  const Walk group = reduce_walk(in.shape, attrs.axes);
  for (i64 i = 0, n = in.size(); i < n; ++i) {
    T& value = result[static_cast<std::size_t>(group(i))];
    if constexpr (std::is_same_v<T, double>) {
      value = fold(value, in.load(i));
    } else {
      value = fold(value, in.load_integer(i));
    }
  }
  return result;
}

template <class F, class G>
Kernel reduction(double floating_first, F floating, i64 integral_first, G integral) {
  return [=](const std::any& any, Arrays in, Arrays out) {
    const auto& attrs = std::any_cast<const ReduceAttrs&>(any);
    if (in[0].floating()) {
      out[0].store_all(fold_groups<double>(attrs, in[0], out[0], floating_first, floating));
    } else {
      const auto values = fold_groups<i64>(attrs, in[0], out[0], integral_first, integral);
      for (std::size_t i = 0; i < values.size(); ++i) out[0].store_integer(static_cast<i64>(i), values[i]);
    }
  };
}

double add(double a, double b) { return a + b; }

void mean(const std::any& any, Arrays in, Arrays out) {
  auto values = fold_groups<double>(std::any_cast<const ReduceAttrs&>(any), in[0], out[0], 0.0, add);
  const double count = static_cast<double>(in[0].size()) / static_cast<double>(out[0].size());
  for (double& value : values) value /= count;
  out[0].store_all(values);
}

// The first of equal maxima; the first NaN, if there is one, as in NumPy.
void argmax(const std::any& any, Arrays in, Arrays out) {
  const int axis = in[0].shape.normalize_axis(std::any_cast<const ArgMaxAttrs&>(any).axis);
  const i64 size = in[0].shape[axis], inner = in[0].shape.slice(axis + 1, in[0].shape.rank()).size();
  for (i64 i = 0, n = out[0].size(); i < n; ++i) {
    const i64 first = i / inner * size * inner + i % inner;
    i64 best = 0;
    for (i64 k = 1; k < size; ++k) {
      const i64 at = first + k * inner, at_best = first + best * inner;
      const bool better = in[0].floating() ? in[0].load(at) > in[0].load(at_best) ||
                                                 (std::isnan(in[0].load(at)) && !std::isnan(in[0].load(at_best)))
                                           : in[0].load_integer(at) > in[0].load_integer(at_best);
      if (better) best = k;
    }
    out[0].store_integer(i, best);
  }
}

}  // namespace

void add_reduce(KernelTable& table) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  using Limits = std::numeric_limits<i64>;
  // Integer sums and products wrap.
  table["sum"] = reduction(0, add, 0, [](i64 a, i64 b) {
    return static_cast<i64>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  });
  table["prod"] = reduction(
      1, [](double a, double b) { return a * b; }, 1,
      [](i64 a, i64 b) { return static_cast<i64>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b)); });
  table["mean"] = mean;
  // NaN wins, as in NumPy.
  table["max"] = reduction(
      -kInfinity, [](double a, double b) { return a > b || std::isnan(a) ? a : b; }, Limits::min(),
      [](i64 a, i64 b) { return std::max(a, b); });
  table["min"] = reduction(
      kInfinity, [](double a, double b) { return a < b || std::isnan(a) ? a : b; }, Limits::max(),
      [](i64 a, i64 b) { return std::min(a, b); });
  table["argmax"] = argmax;
}

}  // namespace keratin::reference
