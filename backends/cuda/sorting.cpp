// Order and running sums.
#include "keratin/core/ops/sorting.h"

#include <limits>

#include "keratin/backends/cuda/device/sorting.h"
#include "keratin/backends/cuda/kernel.h"
#include "keratin/core/ops/detail/walks.h"

namespace keratin::cuda {
namespace {

KernelPtr prepare_argsort(const OpCall& call) {
  if (!call.has(1) || call.in[0].shape.rank() == 0 || call.in[0].dtype == DType::boolean ||
      !is(call.out[0], call.in[0].shape, DType::int32)) {
    return nullptr;
  }
  const i64 size = call.in[0].shape[-1];
  if (size > std::numeric_limits<std::int32_t>::max()) return nullptr;
  const i64 rows = size == 0 ? 0 : call.in[0].shape.size() / size;
  const SortShape shape{call.in[0].dtype, rows, size};
  const std::string how = shape.workspace_bytes() > 0 ? ", runs merged" : ", by counting";
  return make_kernel("argsort " + std::string(name_of(shape.dtype)) + how, shape.workspace_bytes(),
                     [shape](const Launch& l) {
                       argsort(l.stream, shape, l.in[0], static_cast<std::int32_t*>(l.out[0]), nullptr, l.workspace);
                     });
}

KernelPtr prepare_cumsum(const OpCall& call) {
  const auto* attrs = call.attributes<CumsumAttrs>();
  if (!attrs || !call.has(1) || !same(call.in[0], call.out[0]) || call.in[0].dtype == DType::boolean) return nullptr;
  const auto view = op_support::axis_view(call.in[0].shape, attrs->axis);
  if (!view) return nullptr;
  const CumsumShape shape{call.in[0].dtype, view->outer, view->size, view->inner, attrs->reverse};
  const std::string how = shape.workspace_bytes() > 0 ? " in blocks" : "";
  return make_kernel("cumsum " + std::string(name_of(shape.dtype)) + how, shape.workspace_bytes(),
                     [shape](const Launch& l) { cumsum(l.stream, shape, l.in[0], l.out[0], l.workspace); });
}

}  // namespace

void register_sorting(KernelTable& table) {
  table.add(kArgsort.name, prepare_argsort);
  table.add(kCumsum.name, prepare_cumsum);
}

}  // namespace keratin::cuda
