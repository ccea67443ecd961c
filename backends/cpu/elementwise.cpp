// where and cast.
#include "keratin/core/ops/elementwise.h"

#include <cstring>

#include "keratin/backends/cpu/strided.h"
#include "keratin/backends/cpu/typed.h"

namespace keratin::cpu {
namespace {

using Byte = std::uint8_t;

template <class T>
using SelectFn = void (*)(Layout, const Byte* condition, const T* a, const T* b, T* y, i64 n, i64 k);

// Choosing moves bits, so the element's size is all that matters.
template <class T>
SelectFn<T> vector_select() {
  if constexpr (sizeof(T) == 1) return nullptr;
  if constexpr (sizeof(T) == 4) return simd().i32.select;
  if constexpr (sizeof(T) == 8) return simd().i64s.select;
}

template <class T>
KernelPtr where_kernel(const OpCall& call) {
  const Shape& result = call.out[0].shape;
  std::vector<std::vector<i64>> strides;
  for (const SpecView& operand : call.in) {
    const auto s = broadcast_strides(operand.shape, result);
    if (!s) return nullptr;
    strides.push_back(*s);
  }
  std::vector<StridedAxis> axes = join_axes(result, strides);
  StridedAxis inner{.size = 1, .stride = {1, 1, 1}};
  if (!axes.empty()) {
    inner = axes.back();
    axes.pop_back();
  }
  const auto outer = outer_loop(axes);
  if (!outer) return nullptr;
  const i64 sc = inner.stride[0], sa = inner.stride[1], sb = inner.stride[2];
  const RowSplit split(outer->rows, inner.size, kGrainLight);
  const i64 run = inner.size;
  const std::string text = describe("where", call.in[1].dtype, split.rows.chunks * split.pieces.chunks);
  const SelectFn<T> select = sc == 1 && (sa == 1 || sb == 1) ? vector_select<T>() : nullptr;
  const Layout layout = sb == 0 ? Layout::scalar_right : sa == 0 ? Layout::scalar_left : Layout::same;
  return make_kernel(text, [=, loop = *outer](const void* const* in, void* const* out) {
    split.run([&](i64 row, i64 row_end, i64 i, i64 end) {
      OuterLoop::Position at = loop.at(row);
      for (; row < row_end; ++row, loop.advance(at)) {
        const Byte* c = as<Byte>(in[0]) + at.offset[0] + i * sc;
        const T* a = as<T>(in[1]) + at.offset[1] + i * sa;
        const T* b = as<T>(in[2]) + at.offset[2] + i * sb;
        T* y = as<T>(out[0]) + row * run + i;
        if (select) {
          select(layout, c, a, b, y, end - i, end - i);
        } else {
          for (i64 j = 0; j < end - i; ++j) y[j] = c[j * sc] ? a[j * sa] : b[j * sb];
        }
      }
    });
  });
}

KernelPtr prepare_where(const OpCall& call) {
  if (!call.has(3) || call.in[0].dtype != DType::boolean || call.in[1].dtype != call.in[2].dtype ||
      call.in[1].dtype != call.out[0].dtype) {
    return nullptr;
  }
  switch (size_of(call.out[0].dtype)) {
    case 1: return where_kernel<Byte>(call);
    case 4: return where_kernel<std::int32_t>(call);
    default: return where_kernel<i64>(call);
  }
}

KernelPtr prepare_cast(const OpCall& call) {
  if (!call.has(1) || call.in[0].shape != call.out[0].shape) return nullptr;
  const DType from = call.in[0].dtype, to = call.out[0].dtype;
  const auto* attrs = call.attributes<CastAttrs>();
  if (!attrs || attrs->dtype != to) return nullptr;
  const Range range(call.out[0].shape.size(), kGrainLight);
  const auto from_size = static_cast<i64>(size_of(from)), to_size = static_cast<i64>(size_of(to));
  return make_kernel(
      describe("cast", to, range.chunks), [=, convert = simd().convert](const void* const* in, void* const* out) {
        range.run([&](i64 i, i64 end) {
          convert(from, to, as<Byte>(in[0]) + i * from_size, as<Byte>(out[0]) + i * to_size, end - i, 1, 0);
        });
      });
}

}  // namespace

void register_elementwise(KernelTable& table) {
  table.add(kWhere.name, prepare_where);
  table.add(kCast.name, prepare_cast);
}

}  // namespace keratin::cpu
