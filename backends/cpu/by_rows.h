// What is known about ops that work row by row: row i of each result comes from row i of some operands and from others
// as a whole. Rows are elements of the first axis, such as the images of a batch.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "keratin/core/runtime/plan.h"

namespace keratin::cpu {

// For each input of a step: whether it is read by rows, and not as a whole.
using InputRows = std::vector<bool>;

// Nothing, unless the step's op and attributes prove that it works row by row, on `rows` of them, that some input is
// read by rows, and that its kernel gives a row the same bits among any number of rows from kFewestRows on.
std::optional<InputRows> by_rows(const Plan& plan, const Step& step, std::int64_t rows);

// One or two rows of a product may be computed in another order.
inline constexpr std::int64_t kFewestRows = 3;

// The attributes of such a step for another number of rows.
std::any with_rows(const Plan& plan, const Step& step, const InputRows& inputs, std::int64_t rows);

}  // namespace keratin::cpu
