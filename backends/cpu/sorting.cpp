// Order and running sums.
#include "keratin/core/ops/sorting.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "keratin/backends/cpu/parallel.h"
#include "keratin/backends/cpu/typed.h"
#include "keratin/core/ops/detail/walks.h"

namespace keratin::cpu {
namespace {

// Which elements of a row come first; std::sort, which takes no memory, is as good as a stable one if no two elements
// are equal. NaN is not equal to itself, and comes last.
template <class T>
void sort_indices(const T* x, i64 size, std::int32_t* order) {
  std::iota(order, order + size, 0);
  std::sort(order, order + size, [x](std::int32_t a, std::int32_t b) {
    const T left = x[a], right = x[b];
    if (left < right || right < left) return left < right;
    const bool left_nan = left != left, right_nan = right != right;
    return left_nan == right_nan ? a < b : right_nan;
  });
}

KernelPtr prepare_argsort(const OpCall& call) {
  if (!call.has(1) || call.in[0].shape.rank() == 0 || call.in[0].dtype == DType::boolean ||
      !is(call.out[0], call.in[0].shape, DType::int32)) {
    return nullptr;
  }
  const i64 size = call.in[0].shape[-1];
  if (size > std::numeric_limits<std::int32_t>::max()) return nullptr;
  const i64 rows = size == 0 ? 0 : call.in[0].shape.size() / size;
  const Range range(rows, kGrainHeavy / (16 * std::max<i64>(size, 1)));
  return visit_dtype(call.in[0].dtype, [&]<class T>() {
    return make_kernel(describe("argsort", call.in[0].dtype, range.chunks),
                       [=](const void* const* in, void* const* out) {
                         range.run([&](i64 row, i64 end) {
                           for (; row < end; ++row) {
                             sort_indices(as<T>(in[0]) + row * size, size, as<std::int32_t>(out[0]) + row * size);
                           }
                         });
                       });
  });
}

// One (size, inner) plane; sums of integers wrap around.
template <class T>
void cumulate(const T* x, i64 size, i64 inner, bool reverse, T* y) {
  const i64 step = reverse ? -inner : inner;
  const T* from = x + (reverse ? (size - 1) * inner : 0);
  T* to = y + (from - x);
  std::copy_n(from, inner, to);
  for (i64 k = 1; k < size; ++k) {
    from += step;
    to += step;
    for (i64 i = 0; i < inner; ++i) {
      if constexpr (is_floating(dtype_of<T>)) {
        to[i] = to[i - step] + from[i];
      } else {
        to[i] = static_cast<T>(static_cast<std::uint64_t>(to[i - step]) + static_cast<std::uint64_t>(from[i]));
      }
    }
  }
}

KernelPtr prepare_cumsum(const OpCall& call) {
  const auto* attrs = call.attributes<CumsumAttrs>();
  if (!attrs || !call.has(1) || !same(call.in[0], call.out[0]) || call.in[0].dtype == DType::boolean) return nullptr;
  const auto view = op_support::axis_view(call.in[0].shape, attrs->axis);
  if (!view) return nullptr;
  const i64 size = view->size, inner = view->inner, plane = size * inner;
  const Range range(plane == 0 ? 0 : view->outer, kGrainLight / std::max<i64>(plane, 1));
  return visit_dtype(call.in[0].dtype, [&, reverse = attrs->reverse]<class T>() {
    return make_kernel(describe("cumsum", call.in[0].dtype, range.chunks),
                       [=](const void* const* in, void* const* out) {
                         range.run([&](i64 i, i64 end) {
                           for (; i < end; ++i) {
                             cumulate(as<T>(in[0]) + i * plane, size, inner, reverse, as<T>(out[0]) + i * plane);
                           }
                         });
                       });
  });
}

}  // namespace

void register_sorting(KernelTable& table) {
  table.add(kArgsort.name, prepare_argsort);
  table.add(kCumsum.name, prepare_cumsum);
}

}  // namespace keratin::cpu
