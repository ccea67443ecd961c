// Array: a slot's shape, dtype and memory, read and written element by element as double or as a 64-bit integer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "keratin/core/tensor/dtype.h"
#include "keratin/core/tensor/shape.h"

namespace keratin::reference {

using i64 = std::int64_t;

// Truncates; what a 64-bit integer cannot hold becomes the nearest one it can, and NaN becomes 0.
i64 truncate(double value);

struct Array {
  Shape shape;
  DType dtype = DType::float32;
  std::byte* data = nullptr;

  i64 size() const { return shape.size(); }
  bool floating() const { return is_floating(dtype); }

  // Element i in row-major order. Integers above 2^53 need the integer functions.
  double load(i64 i) const {
    return visit_dtype(dtype, [&]<class T>() { return static_cast<double>(reinterpret_cast<const T*>(data)[i]); });
  }
  i64 load_integer(i64 i) const;
  // Rounds to float32, truncates to integers (wrapping in the narrow ones), and makes true of all but 0.
  void store(i64 i, double value) const;
  void store_integer(i64 i, i64 value) const;

  // The whole array as doubles, and back.
  std::vector<double> load_all() const;
  void store_all(const std::vector<double>& values) const;
};

// Copies one element without looking at it; both arrays have one dtype.
void copy_element(const Array& from, i64 i, const Array& to, i64 j);
// The same for all elements. The memory may be the same.
void copy_all(const Array& from, const Array& to);

}  // namespace keratin::reference
