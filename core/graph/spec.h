// Spec: the shape and dtype of a value.
#pragma once

#include <string>

#include "keratin/core/tensor/dtype.h"
#include "keratin/core/tensor/shape.h"

namespace keratin {

struct Spec {
  Shape shape;
  DType dtype = DType::float32;
  bool operator==(const Spec&) const = default;
  std::string to_string() const { return std::string(name_of(dtype)) + " " + shape.to_string(); }
};

}  // namespace keratin
