// fused_elementwise: several element-wise ops of one shape, computed together. Made by the compiler.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "keratin/core/ops/scan.h"

namespace keratin {

// The body's inputs stand for the op's inputs. It holds element-wise ops whose results have one shape and floating
// dtype, slices of inputs along the last axis that have this shape, and, as outputs of the body only, concatenations of
// its values along the last axis and sums and means over all other axes. Operands reach it in one of the ways of
// `Reach`; conditions of `where` are inputs of the body. A result may lie in the memory of an operand of its shape:
// kernels read the operands' elements before they write those of the results.
struct FusedElementwiseAttrs {
  std::shared_ptr<const ScanBody> body = {};
};
extern const OpDef kFusedElementwise;

// Whether a result may lie in the memory of an operand: both are taken element by element, not as parts of something
// wider. Kernels read an element of the operands before they write that of the results.
bool may_share_memory(const FusedElementwiseAttrs& attrs, std::size_t input, std::size_t output);

// Whether ops of this kind may be computed together: each element of the result comes from the same element of the
// operands, and all are of one floating dtype, conditions apart.
bool is_fusible(const OpDef& op);

// How the elements of an operand belong to those of the whole shape, seen as rows.
enum class Reach {
  whole,   // one by one
  number,  // one element for all
  row,     // the last axes, which are repeated: an element for each column
  column,  // the first axes; of the last ones there is one: an element for each row
};
struct OperandReach {
  Reach reach = Reach::whole;
  std::int64_t columns = 0;  // of the rows that it makes of the shape; 0: any number
};
// Nothing when the operand does not belong to the shape in one of these ways.
std::optional<OperandReach> reach_of(const Shape& operand, const Shape& whole);

// For a slice that takes all but a part of the last axis: where that part begins; otherwise nothing.
std::optional<std::int64_t> last_axis_slice(const Node& slice);

// Whether the node is a sum or mean over all axes but the last.
bool is_row_reduction(const Node& node);

}  // namespace keratin
