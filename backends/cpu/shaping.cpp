// Ops that move elements, for any dtype: only the element's size matters.
#include "keratin/core/ops/shaping.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "keratin/backends/cpu/strided_copy.h"
#include "keratin/backends/cpu/typed.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/detail/walks.h"
#include "keratin/core/ops/elementwise.h"

namespace keratin::cpu {
namespace {

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
  const auto walk = op_support::copy_walk(*attrs, x, y);
  if (!walk) return nullptr;
  const std::vector<StridedAxis> joined = join_axes(y, {walk->from});
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

// One walk from the operand to the result.
template <class Attrs>
KernelPtr prepare_walk(const OpCall& call, const char* what) {
  const auto* attrs = call.attributes<Attrs>();
  if (!attrs || !call.has(1) || call.in[0].dtype != call.out[0].dtype) return nullptr;
  const auto walk = op_support::copy_walk(*attrs, call.in[0].shape, call.out[0].shape);
  if (!walk) return nullptr;
  const auto copy = StridedCopy::make(*walk, size_of(call.in[0].dtype));
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
    const auto copy = StridedCopy::make(walk, size_of(call.out[0].dtype));
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
  const auto copy = StridedCopy::make(*walk, element);
  if (!copy) return nullptr;
  std::array<std::byte, 8> value{};
  const Tensor number = Tensor::full({}, attrs->value, call.in[0].dtype);
  std::memcpy(value.data(), number.raw(), element);
  const Range range(call.out[0].shape.size(), kGrainLight);
  return make_kernel(
      describe("pad", call.in[0].dtype, range.chunks), [=, copy = *copy](const void* const* in, void* const* out) {
        range.run([&](i64 begin, i64 end) {
          fill_elements(as<std::byte>(out[0]) + begin * static_cast<i64>(element), end - begin, value.data(), element);
        });
        copy(in[0], out[0]);
      });
}

template <class T>
KernelPtr iota_kernel(const op_support::AxisView& view) {
  const i64 size = view.size, inner = view.inner;
  const Range range(view.outer * size * inner, kGrainHeavy);
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
  const auto view = op_support::axis_view(attrs->shape, attrs->axis);
  if (!view || attrs->dtype == DType::boolean) return nullptr;
  return visit_dtype(attrs->dtype, [&]<class T>() { return iota_kernel<T>(*view); });
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
