#include "keratin/core/ops/detail/op_support.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::op_support {
namespace {

template <class T>
bool holds(double number) {
  return number >= static_cast<double>(std::numeric_limits<T>::lowest()) &&
         number <= static_cast<double>(std::numeric_limits<T>::max());
}

// The dtype in which a number literal and a value of dtype `partner` meet.
DType dtype_with_number(DType partner, double number) {
  if (is_floating(partner)) return partner;
  if (partner == DType::boolean || number != std::floor(number)) return DType::float32;
  if (partner == DType::uint8 && holds<std::uint8_t>(number)) return DType::uint8;
  if (partner != DType::int64 && holds<std::int32_t>(number)) return DType::int32;
  // The largest int64 is no double: 2^63 would pass a comparison with it.
  return std::abs(number) < 9.2e18 ? DType::int64 : DType::float32;
}

double number_of(const Value& weak) { return weak.node()->attrs_as<ConstantAttrs>().number; }

}  // namespace

void expect_inputs(std::span<const Spec> inputs, std::size_t count) {
  if (inputs.size() == count) return;
  throw InvalidArgument("expected " + std::to_string(count) + (count == 1 ? " input" : " inputs") + ", got " +
                        std::to_string(inputs.size()));
}

void expect_rank(const Spec& spec, int rank, std::string_view what) {
  if (spec.shape.rank() == rank) return;
  throw InvalidArgument(std::string(what) + " must have rank " + std::to_string(rank) + ", got shape " +
                        spec.shape.to_string());
}

void expect_dtype(const Spec& spec, DType dtype, std::string_view what) {
  if (spec.dtype == dtype) return;
  throw InvalidArgument(std::string(what) + " must be " + std::string(name_of(dtype)) + ", got " + spec.to_string());
}

void expect_floating(const Spec& spec, std::string_view what) {
  if (is_floating(spec.dtype)) return;
  throw InvalidArgument(std::string(what) + " must be float32 or float64, got " + spec.to_string() +
                        "; convert it with ops::cast");
}

void expect_number(const Spec& spec, std::string_view what) {
  if (spec.dtype != DType::boolean) return;
  throw InvalidArgument(std::string(what) + " must be a number, got " + spec.to_string() +
                        "; convert it with ops::cast");
}

void expect_same_dtype(const Spec& a, const Spec& b) {
  if (a.dtype == b.dtype) return;
  throw InvalidArgument("the operands must have one dtype, got " + a.to_string() + " and " + b.to_string());
}

void expect_known(const Shape& shape, std::string_view what) {
  if (shape.is_known()) return;
  throw InvalidArgument(std::string(what) + " must have known sizes, got " + shape.to_string());
}

bool is_weak(const Value& value) {
  return value && value.node()->is(kConstant) && value.node()->attrs_as<ConstantAttrs>().weak;
}

Value scalar(double number, DType dtype) { return constant(Tensor::full({}, number, dtype)); }

void meet(Value& a, Value& b) {
  const bool weak_a = is_weak(a), weak_b = is_weak(b);
  if (weak_a != weak_b) {
    Value& weak = weak_a ? a : b;
    Value& partner = weak_a ? b : a;
    const double number = number_of(weak);
    const DType dtype = dtype_with_number(partner.dtype(), number);
    weak = scalar(number, dtype);
    partner = ops::cast(partner, dtype);
    return;
  }
  const DType dtype = promote(a.dtype(), b.dtype());
  a = ops::cast(a, dtype);
  b = ops::cast(b, dtype);
}

void meet(Values& values) {
  if (values.empty()) return;
  DType dtype = DType::boolean;
  bool all_weak = true;
  for (const Value& value : values) {
    if (is_weak(value)) continue;
    dtype = promote(dtype, value.dtype());
    all_weak = false;
  }
  if (all_weak) return;
  for (const Value& value : values) {
    if (is_weak(value)) dtype = promote(dtype, dtype_with_number(dtype, number_of(value)));
  }
  for (Value& value : values) value = is_weak(value) ? scalar(number_of(value), dtype) : ops::cast(value, dtype);
}

Value to_floating(Value x) { return is_floating(x.dtype()) ? x : ops::cast(x, DType::float32); }

Value drop_axes(const Value& x, const std::vector<int>& axes) {
  Shape rest;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (!std::binary_search(axes.begin(), axes.end(), axis)) rest.push_back(x.shape()[axis]);
  }
  return ops::reshape(x, rest);
}

}  // namespace keratin::op_support
