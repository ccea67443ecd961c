// Rows by index: embeddings, and the batches of a data set that lies on the device.
#pragma once

#include "keratin/core/graph/node.h"

namespace keratin {

// table: (rows, ...)   ids: any shape, int32 -> ids.shape + table.shape[1:]. An id outside [0, rows) gives a row of
// zeros (ids from data are checked on the host before).
extern const OpDef kTake;
// dtable from (dy, ids): rows of dy added into zeros, in the order of ids.
struct TakeGradAttrs {
  Shape table_shape = {};
};
extern const OpDef kTakeGrad;

// The position in a data set: a variable of 6 int64: {cursor, rows, first, key, shuffle, unused}. Row r of the batch is
// row first + p(cursor + r) of the data, with p the keyed permutation of `rows` (core/ops/permutation.h) or, without
// shuffle, the identity. Positions wrap around: a cursor leads to no row outside [first, first + rows), and that these
// exist is up to whoever writes the cursor. Base 0, rows below 1 or first below 0 give zeros.
inline constexpr int kBatchCursorSize = 6;
enum BatchCursorField : int { kCursorPosition = 0, kCursorRows, kCursorFirst, kCursorKey, kCursorShuffle };

// A batch: inputs base (1,) int64, the device address of the data's first row, and cursor (6,) int64.
// Result: (batch, row_shape...) of `to`; value = x * scale + offset for a floating `to` (folded in by the compiler).
struct BatchGatherAttrs {
  std::int64_t batch = 1;
  Shape row_shape = {};
  DType from = DType::float32, to = DType::float32;
  double scale = 1, offset = 0;
};
extern const OpDef kBatchGather;
// The cursor moved on by `batch` rows: input cursor (6,) int64, output the same shape.
struct AdvanceAttrs {
  std::int64_t batch = 1;
};
extern const OpDef kAdvance;

namespace ops {
Value take(Value table, Value ids);
// Along another axis: ids' axes stand in its place.
Value take(Value x, Value ids, int axis);
Value batch_gather(Value base, Value cursor, BatchGatherAttrs attrs);
Value advance(Value cursor, std::int64_t batch);
}  // namespace ops

}  // namespace keratin
