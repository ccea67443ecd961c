// Helpers for the definitions of ops: attributes as text, checks of inputs, dtypes that meet.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/graph/node.h"

namespace keratin::op_support {

template <class Attrs>
const Attrs& as(const std::any& attrs) {
  return std::any_cast<const Attrs&>(attrs);
}

inline std::string describe_nothing(const std::any&) { return ""; }

// "[1, 2]"
template <class List>
std::string text_of(const List& list) {
  std::string result = "[";
  for (const auto& item : list) {
    if (result.size() > 1) result += ", ";
    result += std::to_string(item);
  }
  return result + "]";
}

// Checks for infer functions; each throws InvalidArgument.
void expect_inputs(std::span<const Spec> inputs, std::size_t count);
void expect_rank(const Spec& spec, int rank, std::string_view what);
void expect_dtype(const Spec& spec, DType dtype, std::string_view what);
void expect_floating(const Spec& spec, std::string_view what = "its operand");
void expect_number(const Spec& spec, std::string_view what = "its operand");  // anything but bool
void expect_same_dtype(const Spec& a, const Spec& b);
void expect_known(const Shape& shape, std::string_view what);

// True for a number literal, which takes the dtype of its partner.
bool is_weak(const Value& value);
// A scalar constant of that dtype.
Value scalar(double number, DType dtype);
// Brings both to promote()'s dtype by casts; a number literal is rebuilt in its partner's dtype.
void meet(Value& a, Value& b);
// The same for any number of values.
void meet(Values& values);
// x in a floating dtype: integers and bool become float32.
Value to_floating(Value x);
// x with axes of size 1 removed (axes ascending); at most one of the other sizes may be unknown.
Value drop_axes(const Value& x, const std::vector<int>& axes);

}  // namespace keratin::op_support
