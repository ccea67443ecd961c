// RandomStream: the numbers initialisers draw, one after another from a seed, in double precision. Only operations
// that IEEE 754 rounds exactly are used, so a seed gives the same weights on every machine.
#pragma once

#include <cmath>
#include <cstdint>

#include "keratin/core/tensor/philox.h"

namespace keratin::detail {

// The natural logarithm of a positive normal number, by 2·artanh((m-1)/(m+1)); a library's log may round differently
// from machine to machine.
inline double portable_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0.70710678118654752440) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1), s2 = s * s;  // s2 < 0.0295: 13 terms reach double precision
  double series = 0;
  for (int k = 25; k >= 1; k -= 2) series = series * s2 + 1.0 / k;
  return 2 * s * series + exponent * 0.69314718055994530942;
}

class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed) : seed_(seed) {}

  // In [0, 1), 53 bits.
  double uniform() {
    if (used_ == 4) {
      block_ = philox_at(seed_, 0, next_block_++);
      used_ = 0;
    }
    const std::uint64_t high = block_.x[used_], low = block_.x[used_ + 1];
    used_ += 2;
    return static_cast<double>((high << 32 | low) >> 11) * 0x1p-53;
  }

  // Standard normal, by Marsaglia's polar method.
  double normal() {
    if (have_spare_) {
      have_spare_ = false;
      return spare_;
    }
    double u = 0, v = 0, s = 0;
    do {
      u = 2 * uniform() - 1;
      v = 2 * uniform() - 1;
      s = u * u + v * v;
    } while (s >= 1 || s == 0);
    const double factor = std::sqrt(-2 * portable_log(s) / s);
    spare_ = v * factor;
    have_spare_ = true;
    return u * factor;
  }

  // Standard normal, redrawn beyond two standard deviations.
  double truncated_normal() {
    double x = 0;
    do x = normal();
    while (x < -2 || x > 2);
    return x;
  }

 private:
  std::uint64_t seed_, next_block_ = 0;
  PhiloxBlock block_{};
  int used_ = 4;
  double spare_ = 0;
  bool have_spare_ = false;
};

}  // namespace keratin::detail
