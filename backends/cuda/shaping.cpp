// Ops that move elements: copies, transposes, pieces and frames.
#include "keratin/core/ops/shaping.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "keratin/backends/cuda/device/shaping.h"
#include "keratin/backends/cuda/kernel.h"
#include "keratin/backends/cuda/layout.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/tensor.h"

namespace keratin::cuda {
namespace {

using Sizes = std::vector<i64>;

std::string text(std::string_view what, DType dtype) { return std::string(what) + " " + std::string(name_of(dtype)); }

// The same bytes in another place: reshape, stop_gradient, assign.
KernelPtr copy_kernel(const OpCall& call) {
  const auto bytes = static_cast<std::size_t>(call.in[0].shape.size()) * size_of(call.in[0].dtype);
  TapeStep step;
  step.from = step.to = call.in[0].dtype;
  step.n = static_cast<std::int32_t>(std::min(call.in[0].shape.size(), Tape::kMaxElements + 1));
  return make_tape_kernel(text("copy", call.in[0].dtype), step, [bytes](const Launch& l) {
    if (l.in[0] == l.out[0] || bytes == 0) return;  // computed in place
    check_runtime(runtime_api().copy_on_device(l.out[0], l.in[0], bytes, l.stream), "cudaMemcpyAsync");
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

// Elements of a box of `shape`, from and to row-major arrays with these strides.
std::optional<StridedCopy> copy_of(const Shape& shape, const Sizes& from, const Sizes& to, i64 x_offset = 0,
                                   i64 y_offset = 0) {
  const auto at = strided<2>(join_axes(shape, {from, to}));
  if (!at) return std::nullopt;
  return StridedCopy{.n = shape.size(), .x_offset = x_offset, .y_offset = y_offset, .at = *at};
}

KernelPtr strided_kernel(const std::string& what, DType dtype, std::vector<StridedCopy> copies) {
  return make_kernel(text(what, dtype), [element = size_of(dtype), copies = std::move(copies)](const Launch& l) {
    for (std::size_t i = 0; i < copies.size(); ++i) strided_copy(l.stream, element, copies[i], l.in[i], l.out[0]);
  });
}

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
  const std::vector<Axis> joined = join_axes(y, {strides});
  if (joined.size() < 2 || y.size() == 0) return copy_kernel(call);
  // y's axes (batches, columns, rows) of x's (batches, rows, columns): through tiles, whose grid has its limits.
  const std::size_t last = joined.size() - 1;
  const bool matrices = joined.size() <= 3 && joined[last - 1].stride[0] == 1;
  const i64 rows = joined[last].size, columns = joined[last - 1].size;
  const i64 batches = joined.size() == 3 ? joined[0].size : 1;
  constexpr i64 kMostBatches = 65535, kMostColumns = kMostBatches * 32;
  if (matrices && joined[last].stride[0] == columns && (batches == 1 || joined[0].stride[0] == rows * columns) &&
      batches <= kMostBatches && columns <= kMostColumns) {
    return make_kernel(text("transpose in tiles", call.in[0].dtype),
                       [=, element = size_of(call.in[0].dtype)](const Launch& l) {
                         transpose(l.stream, element, batches, rows, columns, l.in[0], l.out[0]);
                       });
  }
  const auto copy = copy_of(y, strides, row_major_strides(y));
  return copy ? strided_kernel("transpose", call.in[0].dtype, {*copy}) : nullptr;
}

KernelPtr prepare_broadcast_to(const OpCall& call) {
  const auto* attrs = call.attributes<BroadcastToAttrs>();
  if (!attrs || !call.has(1) || call.in[0].dtype != call.out[0].dtype || attrs->shape != call.out[0].shape) {
    return nullptr;
  }
  const auto strides = broadcast_strides(call.in[0].shape, call.out[0].shape);
  if (!strides) return nullptr;
  const auto copy = copy_of(call.out[0].shape, *strides, row_major_strides(call.out[0].shape));
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
    const auto copy =
        copy_of(x.shape, row_major_strides(x.shape), strides, 0, total * strides[static_cast<std::size_t>(axis)]);
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
  const auto copy = copy_of(y, strides, row_major_strides(y), offset_of(attrs->begin, strides));
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
  const auto copy = copy_of(x, row_major_strides(x), strides, 0, offset_of(attrs->before, strides));
  if (!copy) return nullptr;
  std::uint64_t bits = 0;
  const Tensor number = Tensor::full({}, attrs->value, call.in[0].dtype);
  std::memcpy(&bits, number.raw(), element);
  return make_kernel(text("pad", call.in[0].dtype), [=, copy = *copy, n = y.size()](const Launch& l) {
    fill(l.stream, element, bits, l.out[0], n);
    strided_copy(l.stream, element, copy, l.in[0], l.out[0]);
  });
}

KernelPtr prepare_iota(const OpCall& call) {
  const auto* attrs = call.attributes<IotaAttrs>();
  if (!attrs || !call.has(0) || !is(call.out[0], attrs->shape, attrs->dtype)) return nullptr;
  const int rank = attrs->shape.rank(), axis = attrs->axis < 0 ? attrs->axis + rank : attrs->axis;
  if (axis < 0 || axis >= rank || attrs->dtype == DType::boolean) return nullptr;
  const i64 size = attrs->shape[axis], inner = attrs->shape.slice(axis + 1, rank).size(), n = attrs->shape.size();
  return make_kernel(text("iota", attrs->dtype),
                     [=, dtype = attrs->dtype](const Launch& l) { iota(l.stream, dtype, size, inner, l.out[0], n); });
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

}  // namespace keratin::cuda
