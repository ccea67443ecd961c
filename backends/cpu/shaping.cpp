// Ops that move elements, for any dtype: only the element's size matters.
#include "keratin/core/ops/shaping.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "keratin/backends/cpu/strided_copy.h"
#include "keratin/backends/cpu/typed.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/elementwise.h"

namespace keratin::cpu {
namespace {

using Sizes = std::vector<i64>;

// The same bytes in another place: reshape, stop_gradient, assign.
KernelPtr copy_kernel(const OpCall& call) {
  const i64 bytes = call.in[0].shape.size() * static_cast<i64>(size_of(call.in[0].dtype));
  const Range range(bytes, 4 * kGrainLight, kSlotAlignment);
  return make_kernel(describe("copy", call.in[0].dtype, range.chunks), [=](const void* const* in, void* const* out) {
    if (in[0] == out[0]) return;  // computed in place
    range.run([&](i64 begin, i64 end) {
      std::memcpy(as<std::byte>(out[0]) + begin, as<std::byte>(in[0]) + begin, static_cast<std::size_t>(end - begin));
    });
  });
}

KernelPtr prepare_copy(const OpCall& call) {
  return call.has(1) && same(call.in[0], call.out[0]) ? copy_kernel(call) : nullptr;
}
KernelPtr prepare_reshape(const OpCall& call) {
  if (!call.has(1) || call.in[0].dtype != call.out[0].dtype || call.in[0].shape.size() != call.out[0].shape.size()) {
    return nullptr;
  }
  return copy_kernel(call);
}

KernelPtr strided_kernel(const std::string& what, DType dtype, std::vector<StridedCopy> copies) {
  const i64 chunks = copies.empty() ? 1 : copies.front().chunks();
  if (copies.size() == 1) {
    return make_kernel(describe(what, dtype, chunks),
                       [copy = copies[0]](const void* const* in, void* const* out) { copy(in[0], out[0]); });
  }
  return make_kernel(describe(what, dtype, chunks),
                     [copies = std::move(copies)](const void* const* in, void* const* out) {
                       for (std::size_t i = 0; i < copies.size(); ++i) copies[i](in[i], out[0]);
                     });
}

// y's first axis is shared among the threads.
KernelPtr prepare_transpose(const OpCall& call) {
  const auto* attrs = call.attributes<TransposeAttrs>();
  if (!attrs || !call.has(1) || call.in[0].dtype != call.out[0].dtype) return nullptr;
  const Shape &x = call.in[0].shape, &y = call.out[0].shape;
  std::vector<int> sorted = attrs->permutation, axes(static_cast<std::size_t>(x.rank()));
  std::sort(sorted.begin(), sorted.end());
  std::iota(axes.begin(), axes.end(), 0);
  if (sorted != axes) return nullptr;
  const Sizes x_strides = row_major_strides(x);
  Shape expected;
  Sizes strides;
  for (int axis : attrs->permutation) {
    expected.push_back(x[axis]);
    strides.push_back(x_strides[static_cast<std::size_t>(axis)]);
  }
  if (y != expected) return nullptr;
  const std::vector<LoopAxis> joined = join_axes(y, {strides});
  if (joined.size() < 2 || y.size() == 0) return copy_kernel(call);
  if (joined.size() > kMaxTransposeRank) return nullptr;
  // The joined axes in x's order, outermost first.
  std::vector<std::size_t> order(joined.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return joined[a].stride[0] > joined[b].stride[0]; });
  std::array<i64, kMaxTransposeRank> dims{};
  std::array<int, kMaxTransposeRank> permutation{};
  for (std::size_t i = 0; i < order.size(); ++i) {
    dims[i] = joined[order[i]].size;
    permutation[order[i]] = static_cast<int>(i);
  }
  const int rank = static_cast<int>(joined.size()), element = static_cast<int>(size_of(call.in[0].dtype));
  const Range range(joined[0].size, std::max<i64>(1, kGrainHeavy / (y.size() / joined[0].size)));
  return make_kernel(describe("transpose", call.in[0].dtype, range.chunks),
                     [=, transpose = simd().transpose](const void* const* in, void* const* out) {
                       range.run([&](i64 begin, i64 end) {
                         transpose(in[0], dims.data(), permutation.data(), rank, element, begin, end, out[0]);
                       });
                     });
}

KernelPtr prepare_broadcast_to(const OpCall& call) {
  const auto* attrs = call.attributes<BroadcastToAttrs>();
  if (!attrs || !call.has(1) || call.in[0].dtype != call.out[0].dtype || attrs->shape != call.out[0].shape) {
    return nullptr;
  }
  const auto strides = broadcast_strides(call.in[0].shape, call.out[0].shape);
  if (!strides) return nullptr;
  const auto copy =
      StridedCopy::make(call.out[0].shape, *strides, row_major_strides(call.out[0].shape), size_of(call.in[0].dtype));
  return copy ? strided_kernel("broadcast", call.in[0].dtype, {*copy}) : nullptr;
}

KernelPtr prepare_concatenate(const OpCall& call) {
  const auto* attrs = call.attributes<ConcatenateAttrs>();
  if (!attrs || call.in.empty() || call.out.size() != 1) return nullptr;
  const Shape& y = call.out[0].shape;
  const int axis = attrs->axis < 0 ? attrs->axis + y.rank() : attrs->axis;
  if (axis < 0 || axis >= y.rank()) return nullptr;
  const Sizes strides = row_major_strides(y);
  std::vector<StridedCopy> copies;
  i64 total = 0;
  for (const SpecView& x : call.in) {
    Shape others = x.shape;
    if (x.dtype != call.out[0].dtype || others.rank() != y.rank()) return nullptr;
    others[axis] = y[axis];
    if (others != y) return nullptr;
    const auto copy = StridedCopy::make(x.shape, row_major_strides(x.shape), strides, size_of(x.dtype), 0,
                                        total * strides[static_cast<std::size_t>(axis)]);
    if (!copy) return nullptr;
    copies.push_back(*copy);
    total += x.shape[axis];
  }
  if (total != y[axis]) return nullptr;
  return strided_kernel("concatenate", call.out[0].dtype, std::move(copies));
}

// Where the corner of a box lies in an array.
i64 offset_of(const Sizes& corner, const Sizes& strides) {
  return std::inner_product(corner.begin(), corner.end(), strides.begin(), i64{0});
}

KernelPtr prepare_slice(const OpCall& call) {
  const auto* attrs = call.attributes<SliceAttrs>();
  if (!attrs || !call.has(1) || call.in[0].dtype != call.out[0].dtype) return nullptr;
  const Shape &x = call.in[0].shape, &y = call.out[0].shape;
  const auto rank = static_cast<std::size_t>(x.rank());
  if (y.rank() != x.rank() || attrs->begin.size() != rank || attrs->size.size() != rank) return nullptr;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const i64 begin = attrs->begin[axis], size = y.dims()[axis];
    if (begin < 0 || begin + size > x.dims()[axis]) return nullptr;
    if (attrs->size[axis] != size && (attrs->size[axis] != -1 || begin + size != x.dims()[axis])) return nullptr;
  }
  const Sizes strides = row_major_strides(x);
  const auto copy =
      StridedCopy::make(y, strides, row_major_strides(y), size_of(call.in[0].dtype), offset_of(attrs->begin, strides));
  return copy ? strided_kernel("slice", call.in[0].dtype, {*copy}) : nullptr;
}

KernelPtr prepare_pad(const OpCall& call) {
  const auto* attrs = call.attributes<PadAttrs>();
  if (!attrs || !call.has(1) || call.in[0].dtype != call.out[0].dtype) return nullptr;
  const Shape &x = call.in[0].shape, &y = call.out[0].shape;
  const auto rank = static_cast<std::size_t>(x.rank());
  if (y.rank() != x.rank() || attrs->before.size() != rank || attrs->after.size() != rank) return nullptr;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const i64 before = attrs->before[axis], after = attrs->after[axis];
    if (before < 0 || after < 0 || y.dims()[axis] != before + x.dims()[axis] + after) return nullptr;
  }
  const std::size_t element = size_of(call.in[0].dtype);
  const Sizes strides = row_major_strides(y);
  const auto copy = StridedCopy::make(x, row_major_strides(x), strides, element, 0, offset_of(attrs->before, strides));
  if (!copy) return nullptr;
  std::array<std::byte, 8> value{};
  const Tensor number = Tensor::full({}, attrs->value, call.in[0].dtype);
  std::memcpy(value.data(), number.raw(), element);
  const Range range(y.size(), kGrainLight);
  return make_kernel(
      describe("pad", call.in[0].dtype, range.chunks), [=, copy = *copy](const void* const* in, void* const* out) {
        range.run([&](i64 begin, i64 end) {
          fill_elements(as<std::byte>(out[0]) + begin * static_cast<i64>(element), end - begin, value.data(), element);
        });
        copy(in[0], out[0]);
      });
}

template <class T>
KernelPtr iota_kernel(const Shape& shape, int axis) {
  const i64 size = shape[axis], inner = shape.slice(axis + 1, shape.rank()).size();
  const Range range(shape.size(), kGrainHeavy);
  return make_kernel(describe("iota", dtype_of<T>, range.chunks), [=](const void* const*, void* const* out) {
    range.run([&](i64 begin, i64 end) {
      T* y = as<T>(out[0]);
      for (i64 i = begin; i < end; ++i) y[i] = static_cast<T>(i / inner % size);
    });
  });
}

KernelPtr prepare_iota(const OpCall& call) {
  const auto* attrs = call.attributes<IotaAttrs>();
  if (!attrs || !call.has(0) || !is(call.out[0], attrs->shape, attrs->dtype)) return nullptr;
  const int rank = attrs->shape.rank(), axis = attrs->axis < 0 ? attrs->axis + rank : attrs->axis;
  if (axis < 0 || axis >= rank || attrs->dtype == DType::boolean) return nullptr;
  return visit_dtype(attrs->dtype, [&]<class T>() { return iota_kernel<T>(attrs->shape, axis); });
}

}  // namespace

void register_shaping(KernelTable& table) {
  table.add(kReshape.name, prepare_reshape);
  table.add(kStopGradient.name, prepare_copy);
  table.add(kAssign.name, prepare_copy);
  table.add(kTranspose.name, prepare_transpose);
  table.add(kBroadcastTo.name, prepare_broadcast_to);
  table.add(kConcatenate.name, prepare_concatenate);
  table.add(kSlice.name, prepare_slice);
  table.add(kPad.name, prepare_pad);
  table.add(kIota.name, prepare_iota);
}

}  // namespace keratin::cpu
