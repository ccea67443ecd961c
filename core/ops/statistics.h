// Reductions that are compositions: tests of all elements, moments, norms, and sums that leave NaN out.
// `axes` empty: over all axes. Negative axes count from the end.
#pragma once

#include <vector>

#include "keratin/core/graph/node.h"

namespace keratin::ops {

// bool; numbers are true where they are not 0. `all` of no elements is true, `any` false.
Value all(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value any(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value count_nonzero(Value x, std::vector<int> axes = {});  // int32
// A bool scalar: isclose everywhere.
Value allclose(Value a, Value b, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false);

Value argmin(Value x, int axis = -1);                                   // int32; the first of equal minima
Value ptp(Value x, std::vector<int> axes = {}, bool keepdims = false);  // the largest minus the smallest
// Biased (divided by n), as in Keras; the gradient of the deviation where all elements are equal is NaN.
Value standard_deviation(Value x, std::vector<int> axes = {}, bool keepdims = false);
Values moments(Value x, std::vector<int> axes, bool keepdims = false);  // the mean and the variance
// sum(x * weights) / sum(weights); weights of x's shape, or one for each element of the only axis in `axes`.
Value average(Value x, std::vector<int> axes = {}, Value weights = {});
// Of the rows of a matrix (variables, observations): how far each two of them vary together, from -1 to 1.
Value corrcoef(Value x);

// Over one axis, or with no axes over all elements as one vector: sum(|x|^order)^(1/order), the largest and smallest
// |x| for orders of infinity and -infinity, how many are not 0 for order 0.
// Over two axes, those of matrices: Frobenius's norm for order 2; the largest and smallest sum of a column's |x| for 1
// and -1, of a row's for infinity and -infinity. Throws InvalidArgument for others and for more axes.
Value norm(Value x, double order = 2, std::vector<int> axes = {}, bool keepdims = false);
// x / max(norm, epsilon). Throws InvalidArgument for an order below 1.
Value normalize(Value x, int axis = -1, int order = 2, double epsilon = 1e-7);

// Without the elements that are NaN. Where there is no other, sums are 0 and products 1, nanargmax and nanargmin -1,
// and the rest NaN.
Value nansum(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value nanprod(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value nanmean(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value nanvar(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value nanstd(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value nanmax(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value nanmin(Value x, std::vector<int> axes = {}, bool keepdims = false);
Value nanargmax(Value x, int axis = -1);
Value nanargmin(Value x, int axis = -1);

// The peak signal-to-noise ratio in decibels: 10 log10(max_value^2 / mean((a - b)^2)).
Value psnr(Value a, Value b, double max_value);

}  // namespace keratin::ops
