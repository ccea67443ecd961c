// Elements by computed indices: taken, put in place, and added up by groups. Sizes must be known, as they are in a
// layer's `call`; else InvalidArgument is thrown.
#pragma once

#include "keratin/core/graph/node.h"

namespace keratin::ops {

// y[..., i, ...] = x[..., indices[..., i, ...], ...]; indices have x's shape, but for the axis, or sizes of 1. Negative
// ones count from the end; what is outside of x gives 0.
Value take_along_axis(Value x, Value indices, int axis = -1);

// indices: (k, r), of the first r axes   values: (k, the other sizes...)
// Zeros with the values at the indices; where an index comes twice, the sum. Indices outside of the shape are left out.
Value scatter(Value indices, Value values, Shape shape);
// x with the updates at the indices; where an index comes twice, the last one counts (each index is compared with
// each).
Value scatter_update(Value x, Value indices, Value updates);

// Groups of the first axis: data (n, ...), ids (n) -> (segments, ...). Ids outside of [0, segments) are left out. An
// empty group has a sum of 0, a product of 1, the lowest or highest number as its maximum or minimum (of floating
// data: infinite). All but the sum look at each row once for each segment.
Value segment_sum(Value data, Value ids, std::int64_t segments);
Value segment_prod(Value data, Value ids, std::int64_t segments);
Value segment_max(Value data, Value ids, std::int64_t segments);
Value segment_min(Value data, Value ids, std::int64_t segments);

// How often the numbers 0, 1, ..., length - 1 occur in x (int32), or the sums of their weights. Others do not count.
Value bincount(Value x, std::int64_t length, Value weights = {});
// How many elements lie in each of `bins` equal parts of [low, high], and the limits of the parts; both floating.
// low = high: from the smallest element to the largest one.
Values histogram(Value x, std::int64_t bins = 10, double low = 0, double high = 0);

}  // namespace keratin::ops
