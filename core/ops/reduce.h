// Reductions over axes.
#pragma once

#include <vector>

#include "keratin/core/graph/node.h"

namespace keratin {

struct ReduceAttrs {
  std::vector<int> axes = {};  // ascending, not negative (ops:: functions normalise)
  bool keepdims = false;
};
// Gradient of max and min: shared equally among the elements that attain it (as Keras's backends do).
extern const OpDef kSum, kMean, kMax, kMin, kProd;

struct ArgMaxAttrs {
  int axis = 0;
};
extern const OpDef kArgMax;  // int32; the first of equal maxima; the axis is dropped

namespace ops {
// `axes` empty: over all axes. Negative axes count from the end. Sums of bool and uint8 are int32; the mean of integers
// is float32.
Value sum(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value mean(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value max(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value min(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value prod(Value x, std::vector<int> axes = {}, bool keepdims = false);
// Biased (divided by n), as in Keras.
Value variance(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value logsumexp(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value argmax(Value x, int axis = -1);
// The sum of x over the axes along which `shape` was broadcast to x's shape: the gradient of a broadcast.
Value sum_to(Value x, const Shape& shape);
}  // namespace ops

}  // namespace keratin
