// Order and running sums.
#include "keratin/core/ops/sorting.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "keratin/backends/reference/kernels.h"

namespace keratin::reference {
namespace {

// NaN is larger than any number.
bool is_less(const Array& x, i64 a, i64 b) {
  if (!x.floating()) return x.load_integer(a) < x.load_integer(b);
  return x.load(a) < x.load(b) || (std::isnan(x.load(b)) && !std::isnan(x.load(a)));
}

void argsort(const std::any&, Arrays in, Arrays out) {
  const i64 size = in[0].shape[-1];
  std::vector<i64> order(static_cast<std::size_t>(size));
  for (i64 first = 0, n = in[0].size(); first < n; first += size) {
    std::iota(order.begin(), order.end(), first);
    std::stable_sort(order.begin(), order.end(), [&](i64 a, i64 b) { return is_less(in[0], a, b); });
    for (i64 i = 0; i < size; ++i) out[0].store_integer(first + i, order[static_cast<std::size_t>(i)] - first);
  }
}

void cumsum(const std::any& any, Arrays in, Arrays out) {
  const auto& attrs = std::any_cast<const CumsumAttrs&>(any);
  const Shape& shape = in[0].shape;
  const int axis = shape.normalize_axis(attrs.axis);
  const i64 size = shape[axis], inner = shape.slice(axis + 1, shape.rank()).size();
  for (i64 i = 0, n = in[0].size(); i < n; i += size * inner) {
    for (i64 column = i; column < i + inner; ++column) {
      double sum = 0;
      std::uint64_t integral = 0;  // wraps
      for (i64 k = 0; k < size; ++k) {
        const i64 at = column + (attrs.reverse ? size - 1 - k : k) * inner;
        if (in[0].floating()) {
          out[0].store(at, sum += in[0].load(at));
        } else {
          out[0].store_integer(at, static_cast<i64>(integral += static_cast<std::uint64_t>(in[0].load_integer(at))));
        }
      }
    }
  }
}

}  // namespace

void add_sorting(KernelTable& table) {
  table["argsort"] = argsort;
  table["cumsum"] = cumsum;
}

}  // namespace keratin::reference
