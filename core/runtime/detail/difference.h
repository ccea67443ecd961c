// Whether two computations of the same tensor agree, and where they differ most.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "keratin/core/runtime/backend.h"

namespace keratin {

struct Difference {
  std::int64_t elements = 0;         // how many differ
  std::string position;              // of the worst one: "(0, 3)"
  std::string value, expected;       // there
  double distance = 0, allowed = 0;  // there; infinite when one of them is no finite number
};

// How far floats may be apart, relative to the largest magnitude of the tensor; 0 for integers and bool.
double relative_tolerance(DType dtype, Precision precision);

// Floats agree within `relative` times the largest finite magnitude expected, plus `slack` of the element (if given).
// NaN agrees with NaN, and an infinity with itself. Integers agree when they are equal. Shapes and dtypes must be the
// same.
std::optional<Difference> difference(const Tensor& got, const Tensor& expected, double relative,
                                     std::span<const double> slack = {});

}  // namespace keratin
