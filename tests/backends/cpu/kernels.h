// Support for the kernel tests: one run per instruction set this machine has, and arrays that notice stray writes.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "keratin/backends/cpu/isa.h"

namespace keratin::cpu::testing {

// n elements at an address that is aligned for T only, between guards that must keep their value.
template <class T>
class Array {
 public:
  explicit Array(i64 n, T value = T{}) : n_(n), storage_(static_cast<std::size_t>(n + 2 * kGuard), T(77)) {
    for (i64 i = 0; i < n; ++i) (*this)[i] = value;
  }
  Array(std::initializer_list<T> values) : Array(static_cast<i64>(values.size())) {
    i64 i = 0;
    for (const T value : values) (*this)[i++] = value;
  }
  Array(const Array&) = default;
  Array& operator=(const Array&) = default;
  ~Array() {
    for (i64 i = 0; i < kGuard; ++i) {
      EXPECT_EQ(storage_[static_cast<std::size_t>(i)], T(77)) << "written before the array";
      EXPECT_EQ(storage_[static_cast<std::size_t>(n_ + kGuard + i)], T(77)) << "written behind the array";
    }
  }
  // Numbers in [low, high), the same for the same seed.
  static Array random(i64 n, unsigned seed = 1, double low = -1, double high = 1) {
    std::mt19937 generator(seed);
    Array result(n);
    for (i64 i = 0; i < n; ++i) {
      result[i] = static_cast<T>(low + (high - low) * (static_cast<double>(generator()) / 4294967296.0));
    }
    return result;
  }

  i64 size() const { return n_; }
  T* data() { return storage_.data() + kGuard; }
  const T* data() const { return storage_.data() + kGuard; }
  T& operator[](i64 i) { return data()[i]; }
  const T& operator[](i64 i) const { return data()[i]; }

 private:
  static constexpr i64 kGuard = 17;  // odd, so that no element lands on a vector's alignment
  i64 n_;
  std::vector<T> storage_;
};

template <class T>
const FloatKernels<T>& floats(const Simd& simd) {
  if constexpr (sizeof(T) == 4) {
    return simd.f32;
  } else {
    return simd.f64;
  }
}

template <class T>
constexpr double kEps = sizeof(T) == 4 ? 1.2e-7 : 2.3e-16;

// Same bits, NaNs included.
template <class T>
void expect_same_bits(const Array<T>& a, const Array<T>& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (i64 i = 0; i < a.size(); ++i) {
    ASSERT_EQ(std::memcmp(&a[i], &b[i], sizeof(T)), 0) << what << " at " << i << ": " << a[i] << " and " << b[i];
  }
}

template <class T>
void expect_near(const Array<T>& got, const std::vector<double>& want, double tolerance, const std::string& what) {
  ASSERT_EQ(static_cast<std::size_t>(got.size()), want.size());
  for (i64 i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(got[i]), want[static_cast<std::size_t>(i)], tolerance) << what << " at " << i;
  }
}

// f(float{}) and f(double{})
template <class F>
void for_floats(F&& f) {
  f(float{});
  f(double{});
}

inline std::size_t u(i64 i) { return static_cast<std::size_t>(i); }
template <class T>
double d(T x) {
  return static_cast<double>(x);
}

class Kernels : public ::testing::TestWithParam<Isa> {
 protected:
  const Simd& simd = keratin::cpu::simd(GetParam());
};

inline std::string isa_name(const ::testing::TestParamInfo<Isa>& info) { return std::string(name_of(info.param)); }

}  // namespace keratin::cpu::testing

// In every file of kernel tests: a suite Name, run once per instruction set.
#define KERATIN_KERNEL_TESTS(Name)                                                          \
  class Name : public keratin::cpu::testing::Kernels {};                                    \
  INSTANTIATE_TEST_SUITE_P(Isas, Name, ::testing::ValuesIn(keratin::cpu::supported_isas()), \
                           keratin::cpu::testing::isa_name)
