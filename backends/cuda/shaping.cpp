// Ops that move elements: copies, transposes, pieces and frames.
#include "keratin/core/ops/shaping.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "keratin/backends/cuda/device/shaping.h"
#include "keratin/backends/cuda/kernel.h"
#include "keratin/backends/cuda/layout.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/detail/walks.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/tensor.h"

namespace keratin::cuda {
namespace {

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

// Nothing when there are more axes than kernels take.
std::optional<StridedCopy> copy_of(const op_support::CopyWalk& walk) {
  const auto at = strided<2>(join_axes(walk.box, {walk.from, walk.to}));
  if (!at) return std::nullopt;
  return StridedCopy{.n = walk.box.size(), .x_offset = walk.from_offset, .y_offset = walk.to_offset, .at = *at};
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
  const auto walk = op_support::copy_walk(*attrs, x, y);
  if (!walk) return nullptr;
  const std::vector<StridedAxis> joined = join_axes(y, {walk->from});
  if (joined.size() < 2 || y.size() == 0) return copy_kernel(call);
  // y's axes (batches, columns, rows) of x's (batches, rows, columns): through tiles, of which small matrices fill too
  // little.
  const std::size_t last = joined.size() - 1;
  const bool matrices = joined.size() <= 3 && joined[last - 1].stride[0] == 1;
  constexpr i64 kLeast = 8;
  const i64 rows = joined[last].size, columns = joined[last - 1].size;
  const i64 batches = joined.size() == 3 ? joined[0].size : 1;
  if (matrices && rows >= kLeast && columns >= kLeast && joined[last].stride[0] == columns &&
      (batches == 1 || joined[0].stride[0] == rows * columns)) {
    return make_kernel(text("transpose in tiles", call.in[0].dtype),
                       [=, element = size_of(call.in[0].dtype)](const Launch& l) {
                         transpose(l.stream, element, batches, rows, columns, l.in[0], l.out[0]);
                       });
  }
  const auto copy = copy_of(*walk);
  return copy ? strided_kernel("transpose", call.in[0].dtype, {*copy}) : nullptr;
}

// One walk from the operand to the result.
template <class Attrs>
KernelPtr prepare_walk(const OpCall& call, const char* what) {
  const auto* attrs = call.attributes<Attrs>();
  if (!attrs || !call.has(1) || call.in[0].dtype != call.out[0].dtype) return nullptr;
  const auto walk = op_support::copy_walk(*attrs, call.in[0].shape, call.out[0].shape);
  if (!walk) return nullptr;
  const auto copy = copy_of(*walk);
  return copy ? strided_kernel(what, call.in[0].dtype, {*copy}) : nullptr;
}
KernelPtr prepare_broadcast_to(const OpCall& call) { return prepare_walk<BroadcastToAttrs>(call, "broadcast"); }
KernelPtr prepare_slice(const OpCall& call) { return prepare_walk<SliceAttrs>(call, "slice"); }

KernelPtr prepare_concatenate(const OpCall& call) {
  const auto* attrs = call.attributes<ConcatenateAttrs>();
  if (!attrs || call.in.empty() || call.out.size() != 1) return nullptr;
  std::vector<Shape> shapes;
  for (const SpecView& x : call.in) {
    if (x.dtype != call.out[0].dtype) return nullptr;
    shapes.push_back(x.shape);
  }
  std::vector<StridedCopy> copies;
  for (const op_support::CopyWalk& walk : op_support::copy_walks(*attrs, shapes, call.out[0].shape)) {
    const auto copy = copy_of(walk);
    if (!copy) return nullptr;
    copies.push_back(*copy);
  }
  if (copies.empty()) return nullptr;
  return strided_kernel("concatenate", call.out[0].dtype, std::move(copies));
}

KernelPtr prepare_pad(const OpCall& call) {
  const auto* attrs = call.attributes<PadAttrs>();
  if (!attrs || !call.has(1) || call.in[0].dtype != call.out[0].dtype) return nullptr;
  const auto walk = op_support::copy_walk(*attrs, call.in[0].shape, call.out[0].shape);
  if (!walk) return nullptr;
  const std::size_t element = size_of(call.in[0].dtype);
  const auto copy = copy_of(*walk);
  if (!copy) return nullptr;
  std::uint64_t bits = 0;
  const Tensor number = Tensor::full({}, attrs->value, call.in[0].dtype);
  std::memcpy(&bits, number.raw(), element);
  return make_kernel(text("pad", call.in[0].dtype), [=, copy = *copy, n = call.out[0].shape.size()](const Launch& l) {
    fill(l.stream, element, bits, l.out[0], n);
    strided_copy(l.stream, element, copy, l.in[0], l.out[0]);
  });
}

KernelPtr prepare_iota(const OpCall& call) {
  const auto* attrs = call.attributes<IotaAttrs>();
  if (!attrs || !call.has(0) || !is(call.out[0], attrs->shape, attrs->dtype)) return nullptr;
  const auto view = op_support::axis_view(attrs->shape, attrs->axis);
  if (!view || attrs->dtype == DType::boolean) return nullptr;
  const i64 size = view->size, inner = view->inner, n = attrs->shape.size();
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
