// Makes the ranks of targets, predictions and sample weights agree, as Keras does (squeeze_or_expand_to_same_rank).
#pragma once

#include "keratin/core/graph/value.h"

namespace keratin {

// y_true with y_pred's rank: an axis of size 1 is added at the end or dropped there; y_pred is left as it is.
Value align_target(Value y_true, const Value& y_pred);
// sample_weight cast to the values' dtype, with axes of size 1 added at the end until it broadcasts over the values.
Value align_weight(Value sample_weight, const Value& values);

// The weights of samples with the mask of the predictions: 0 where it is false. Both may be empty.
Value masked_weight(const Value& sample_weight, const Value& mask);

}  // namespace keratin
