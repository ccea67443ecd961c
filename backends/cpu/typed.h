// From a dtype to the C++ type and the kernels of the instruction set in use.
#pragma once

#include <string>
#include <utility>

#include "keratin/backends/cpu/isa.h"
#include "keratin/backends/cpu/kernel.h"

namespace keratin::cpu {

template <class T>
const FloatKernels<T>& float_kernels();
template <>
inline const FloatKernels<float>& float_kernels<float>() {
  return simd().f32;
}
template <>
inline const FloatKernels<double>& float_kernels<double>() {
  return simd().f64;
}

template <class T>
const IntKernels<T>& int_kernels();
template <>
inline const IntKernels<std::int32_t>& int_kernels<std::int32_t>() {
  return simd().i32;
}
template <>
inline const IntKernels<i64>& int_kernels<i64>() {
  return simd().i64s;
}

// f.operator()<T>() for float or double; nullptr for other dtypes.
template <class F>
KernelPtr for_float(DType dtype, F&& f) {
  if (dtype == DType::float32) return f.template operator()<float>();
  if (dtype == DType::float64) return f.template operator()<double>();
  return nullptr;
}

// "softmax 128 rows float32 avx512, 4 chunks"
inline std::string describe(const std::string& what, DType dtype, i64 chunks = 1) {
  return what + " " + std::string(name_of(dtype)) + " " + simd().name +
         (chunks > 1 ? ", " + std::to_string(chunks) + " chunks" : "");
}

}  // namespace keratin::cpu
