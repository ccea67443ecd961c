// Sums of products of two values, written with a letter for each axis.
#pragma once

#include <string>

#include "keratin/core/graph/node.h"

namespace keratin::ops {

// einsum("abc,cd->abd", x, kernel): for each index of the result the sum of x·kernel over the letters that it lacks.
// Each letter stands for an axis, of one size in both operands; "..." for the axes that no letter names. One matrix
// product, between transpositions where the letters ask for them.
// Throws InvalidArgument for other equations: of another number of operands, with a letter twice in one of them, with
// letters of the result that no operand has, without "->".
Value einsum(const std::string& equation, Value a, Value b);

}  // namespace keratin::ops
