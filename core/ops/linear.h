// Products of vectors, matrices and arrays as in NumPy. Compositions of matmul and multiply; integers become float32
// where sums of products are taken. Sizes must be known, as they are in a layer's `call`; else InvalidArgument is
// thrown.
#pragma once

#include <vector>

#include "keratin/core/graph/node.h"

namespace keratin::ops {

// The sum of products over the last axis of a and, of b, the last one but one, or the only one. A number multiplies.
Value dot(Value a, Value b);
Value inner(Value a, Value b);  // over the last axes of both
Value outer(Value a, Value b);  // of all elements of a and b: a matrix
Value vdot(Value a, Value b);   // of all elements in a row: a scalar
// Over the last `axes` axes of a and the first ones of b, or over those named, in pairs.
Value tensordot(Value a, Value b, int axes = 2);
Value tensordot(Value a, Value b, std::vector<int> axes_a, std::vector<int> axes_b);
Value kron(Value a, Value b);                  // each element of a times the whole of b
Value cross(Value a, Value b, int axis = -1);  // of vectors with three elements
// (..., m, k), (..., n, k) -> (..., m, n): how far rows are apart. The gradient is NaN where they are equal.
Value cdist(Value a, Value b);
// The area below y by trapezoids: of width dx, or between the places x (of y's shape, or one for each element of the
// axis).
Value trapezoid(Value y, double dx = 1, int axis = -1);
Value trapezoid(Value y, Value x, int axis = -1);
// (n) -> (n, columns): powers of x from the highest to 0, or from 0 up; columns 0: as many as rows.
Value vander(Value x, std::int64_t columns = 0, bool increasing = false);

}  // namespace keratin::ops
