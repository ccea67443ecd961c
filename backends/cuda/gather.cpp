// Rows by index: embeddings and their gradients; batches of a data set that lies in device memory.
#include "keratin/core/ops/gather.h"

#include <algorithm>
#include <limits>

#include "keratin/backends/cuda/device/shaping.h"
#include "keratin/backends/cuda/device/sorting.h"
#include "keratin/backends/cuda/kernel.h"

namespace keratin::cuda {
namespace {

// inputs (table, ids); any dtype.
KernelPtr prepare_take(const OpCall& call) {
  if (!call.has(2)) return nullptr;
  const Shape &table = call.in[0].shape, &ids = call.in[1].shape;
  if (table.rank() == 0 || call.in[1].dtype != DType::int32 ||
      !is(call.out[0], ids.concat(table.slice(1, table.rank())), call.in[0].dtype)) {
    return nullptr;
  }
  const i64 rows = table[0], row = table.slice(1, table.rank()).size(), count = ids.size();
  return make_kernel(
      "take " + std::string(name_of(call.in[0].dtype)), [=, element = size_of(call.in[0].dtype)](const Launch& l) {
        take(l.stream, element, rows, row, l.in[0], static_cast<const std::int32_t*>(l.in[1]), count, l.out[0]);
      });
}

// inputs (dy, ids)
KernelPtr prepare_take_grad(const OpCall& call) {
  const auto* attrs = call.attributes<TakeGradAttrs>();
  if (!attrs || !call.has(2)) return nullptr;
  const Shape &table = attrs->table_shape, &ids = call.in[1].shape;
  if (table.rank() == 0 || !table.is_known() || call.in[1].dtype != DType::int32 || !is_floating(call.in[0].dtype) ||
      !is(call.out[0], table, call.in[0].dtype) || call.in[0].shape != ids.concat(table.slice(1, table.rank())) ||
      std::max(ids.size(), table[0]) >= std::numeric_limits<std::int32_t>::max()) {
    return nullptr;
  }
  const TakeGradientShape shape{call.in[0].dtype, table[0], table.slice(1, table.rank()).size(), ids.size()};
  return make_kernel("take gradient " + std::string(name_of(shape.dtype)) + (shape.sorts() ? ", ids sorted" : ""),
                     shape.workspace_bytes(), [shape](const Launch& l) {
                       take_gradient(l.stream, shape, l.in[0], static_cast<const std::int32_t*>(l.in[1]), l.out[0],
                                     l.workspace);
                     });
}

// inputs (base, cursor)
KernelPtr prepare_batch_gather(const OpCall& call) {
  const auto* attrs = call.attributes<BatchGatherAttrs>();
  if (!attrs || !call.has(2) || attrs->batch < 1 || !attrs->row_shape.is_known() ||
      !is(call.in[0], {1}, DType::int64) || !is(call.in[1], {kBatchCursorSize}, DType::int64) ||
      !is(call.out[0], Shape{attrs->batch}.concat(attrs->row_shape), attrs->to)) {
    return nullptr;
  }
  if ((attrs->scale != 1 || attrs->offset != 0) && !is_floating(attrs->to)) return nullptr;
  const BatchGather gather{attrs->batch, attrs->row_shape.size(), attrs->scale, attrs->offset};
  return make_kernel("gather of " + std::string(name_of(attrs->from)) + " rows to " + std::string(name_of(attrs->to)),
                     [gather, from = attrs->from, to = attrs->to](const Launch& l) {
                       batch_gather(l.stream, from, to, gather, static_cast<const i64*>(l.in[0]),
                                    static_cast<const i64*>(l.in[1]), l.out[0]);
                     });
}

KernelPtr prepare_advance(const OpCall& call) {
  const auto* attrs = call.attributes<AdvanceAttrs>();
  if (!attrs || !call.has(1) || !same(call.in[0], call.out[0]) || !is(call.in[0], {kBatchCursorSize}, DType::int64)) {
    return nullptr;
  }
  TapeStep step;
  step.kind = TapeKind::advance;
  step.n = kBatchCursorSize;
  step.number = attrs->batch;
  return make_tape_kernel("advance", step, [batch = attrs->batch](const Launch& l) {
    advance(l.stream, batch, static_cast<const i64*>(l.in[0]), static_cast<i64*>(l.out[0]));
  });
}

}  // namespace

void register_gather(KernelTable& table) {
  table.add(kTake.name, prepare_take);
  table.add(kTakeGrad.name, prepare_take_grad);
  table.add(kBatchGather.name, prepare_batch_gather);
  table.add(kAdvance.name, prepare_advance);
}

}  // namespace keratin::cuda
