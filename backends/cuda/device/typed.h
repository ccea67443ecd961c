// From a dtype to the C++ type of its elements.
#pragma once

#include <cstdint>

#include "keratin/core/tensor/dtype.h"

namespace keratin::cuda {

template <class T>
const T* as(const void* memory) {
  return static_cast<const T*>(memory);
}
template <class T>
T* as(void* memory) {
  return static_cast<T*>(memory);
}

// f.operator()<T>() for float or double; callers have checked the dtype.
template <class F>
void for_float(DType dtype, F&& f) {
  dtype == DType::float32 ? f.template operator()<float>() : f.template operator()<double>();
}

// Booleans as bytes.
template <class F>
void for_number(DType dtype, F&& f) {
  switch (dtype) {
    case DType::float32: return f.template operator()<float>();
    case DType::float64: return f.template operator()<double>();
    case DType::int32: return f.template operator()<std::int32_t>();
    case DType::int64: return f.template operator()<std::int64_t>();
    case DType::uint8:
    case DType::boolean: break;
  }
  f.template operator()<std::uint8_t>();
}

// By size alone, for kernels that move elements.
template <class F>
void for_size(std::size_t bytes, F&& f) {
  switch (bytes) {
    case 1: return f.template operator()<std::uint8_t>();
    case 4: return f.template operator()<std::uint32_t>();
    default: return f.template operator()<std::uint64_t>();
  }
}

}  // namespace keratin::cuda
