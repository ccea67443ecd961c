// More ways to arrange elements: repeated, rolled, turned, cut, stacked, diagonals and triangles. Compositions; most of
// them need known sizes, as they are in a layer's `call`, and throw InvalidArgument otherwise.
#pragma once

#include <string>
#include <vector>

#include "keratin/core/graph/node.h"

namespace keratin::ops {

Value ravel(Value x);  // one axis
// Axes source[i] go to the places destination[i]; the others keep their order.
Value moveaxis(Value x, std::vector<int> source, std::vector<int> destination);
Value swapaxes(Value x, int axis1, int axis2);
// The whole of x `repeats` times, for each axis a number; missing first numbers are 1.
Value tile(Value x, std::vector<std::int64_t> repeats);
// By `shift` places to the right, the last elements to the front; without axes over all elements in a row.
Value roll(Value x, std::int64_t shift, std::vector<int> axes = {});
Value fliplr(Value x);  // along axis 1
Value flipud(Value x);  // along axis 0
// By k quarters of a turn, from axis1 towards axis2.
Value rot90(Value x, int k = 1, int axis1 = 0, int axis2 = 1);

Value append(Value a, Value b);  // all elements of both, in one axis
Value append(Value a, Value b, int axis);
Value vstack(Values values);  // along axis 0; one axis: as rows
Value hstack(Values values);  // along axis 1, or the only one
Value dstack(Values values);  // along axis 2
Values unstack(Value x, int axis = 0);
// Pieces of which the first ones have one element more where the size is no multiple of `parts`.
Values array_split(Value x, int parts, int axis = 0);
Values split_at(Value x, const std::vector<std::int64_t>& at, int axis = 0);  // cut before these elements
Values vsplit(Value x, int parts);                                            // along axis 0, in equal parts
Values hsplit(Value x, int parts);                                            // along axis 1, or the only one
Values dsplit(Value x, int parts);                                            // along axis 2

// Diagonal k is that many places to the right of the main one.
Value diag(Value x, int k = 0);  // of a vector a matrix with it, of a matrix its diagonal
Value diagflat(Value x, int k = 0);
Value diagonal(Value x, int offset = 0, int axis1 = 0, int axis2 = 1);  // as the last axis
Value trace(Value x, int offset = 0, int axis1 = 0, int axis2 = 1);
Value tril(Value x, int k = 0);  // matrices in the last two axes: zeros above diagonal k
Value triu(Value x, int k = 0);  // zeros below it

Value diff(Value x, int n = 1, int axis = -1);  // n times the differences of neighbours
// The first choice whose condition is true.
Value select(const Values& conditions, const Values& choices, Value otherwise = 0.0);
// A grid's coordinates from those of its axes; "xy": the first of them goes along axis 1, "ij": along axis 0.
Values meshgrid(Values axes, const std::string& indexing = "xy");
Values unravel_index(Value indices, const Shape& shape);  // for each axis the index, int32

// x with `updates` from element `start` on (a number for each axis). Throws InvalidArgument when they reach beyond x.
Value slice_update(Value x, std::vector<std::int64_t> start, Value updates);
// (n, h, w, c) -> (n, h block, w block, c / block^2), and back.
Value depth_to_space(Value x, std::int64_t block);
Value space_to_depth(Value x, std::int64_t block);
// (..., size) -> (..., how many, length): pieces that begin every `stride` elements.
Value extract_sequences(Value x, std::int64_t length, std::int64_t stride);

}  // namespace keratin::ops
