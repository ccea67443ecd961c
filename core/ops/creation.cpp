#include "keratin/core/ops/creation.h"

#include <cmath>
#include <numbers>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops {
namespace {

// A vector of f(i).
template <class F>
Value numbers(std::string_view op, std::int64_t n, DType dtype, F f) {
  if (n < 0) throw InvalidArgument(std::string(op) + ": the number must not be negative, got " + std::to_string(n));
  Tensor result({n}, DType::float64);
  for (std::int64_t i = 0; i < n; ++i) result.values<double>()[static_cast<std::size_t>(i)] = f(i);
  return result.astype(dtype);
}

// A matrix, 1 where f(row, column).
template <class F>
Value matrix(std::string_view op, std::int64_t rows, std::int64_t columns, DType dtype, F f) {
  if (columns == 0) columns = rows;
  if (rows < 0 || columns < 0) {
    throw InvalidArgument(std::string(op) + ": rows and columns must not be negative, got " + std::to_string(rows) +
                          " and " + std::to_string(columns));
  }
  Tensor result({rows, columns}, DType::boolean);
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    result.values<bool>()[static_cast<std::size_t>(i)] = f(i / columns, i % columns);
  }
  return result.astype(dtype);
}

// A weighted sum of cosines of 0, 2 pi, 4 pi over a window.
Value cosines(std::string_view op, std::int64_t n, double a0, double a1, double a2) {
  return numbers(op, n, DType::float32, [=](std::int64_t i) {
    if (n == 1) return 1.0;
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n - 1);
    return a0 + a1 * std::cos(angle) + a2 * std::cos(2 * angle);
  });
}

// The modified Bessel function of the first kind of order 0: sum of (x/2)^(2k) / (k!)^2.
double bessel(double x) {
  double sum = 1, term = 1;
  for (int k = 1; term > 1e-17 * sum; ++k) sum += term *= x * x / (4.0 * k * k);
  return sum;
}

double step(std::int64_t num, bool endpoint) {
  const std::int64_t steps = endpoint ? num - 1 : num;
  return steps > 0 ? 1 / static_cast<double>(steps) : 0;
}

}  // namespace

Value full_like(Value x, double value) { return zeros_like(x) + op_support::scalar(value, x.dtype()); }

Value eye(std::int64_t rows, std::int64_t columns, int k, DType dtype) {
  return matrix("eye", rows, columns, dtype, [=](std::int64_t i, std::int64_t j) { return j - i == k; });
}
Value tri(std::int64_t rows, std::int64_t columns, int k, DType dtype) {
  return matrix("tri", rows, columns, dtype, [=](std::int64_t i, std::int64_t j) { return j - i <= k; });
}

Value linspace(double start, double stop, std::int64_t num, bool endpoint, DType dtype) {
  return numbers("linspace", num, dtype, [=, by = (stop - start) * step(num, endpoint)](std::int64_t i) {
    return endpoint && i > 0 && i == num - 1 ? stop : start + by * static_cast<double>(i);
  });
}
Value logspace(double start, double stop, std::int64_t num, bool endpoint, double base, DType dtype) {
  return numbers("logspace", num, dtype, [=, by = (stop - start) * step(num, endpoint)](std::int64_t i) {
    return std::pow(base, start + by * static_cast<double>(i));
  });
}
Value geomspace(double start, double stop, std::int64_t num, bool endpoint, DType dtype) {
  if (!(start * stop > 0)) {
    throw InvalidArgument("geomspace: start and stop must have one sign and not be 0, got " + format_number(start) +
                          " and " + format_number(stop));
  }
  return numbers("geomspace", num, dtype, [=, by = step(num, endpoint)](std::int64_t i) {
    return start * std::pow(stop / start, by * static_cast<double>(i));
  });
}

Value bartlett(std::int64_t n) {
  return numbers("bartlett", n, DType::float32, [=](std::int64_t i) {
    return n == 1 ? 1.0 : 1 - std::abs(2.0 * static_cast<double>(i) / static_cast<double>(n - 1) - 1);
  });
}
Value blackman(std::int64_t n) { return cosines("blackman", n, 0.42, -0.5, 0.08); }
Value hamming(std::int64_t n) { return cosines("hamming", n, 0.54, -0.46, 0); }
Value hanning(std::int64_t n) { return cosines("hanning", n, 0.5, -0.5, 0); }
Value kaiser(std::int64_t n, double beta) {
  return numbers("kaiser", n, DType::float32, [=](std::int64_t i) {
    const double at = n == 1 ? 0 : 2.0 * static_cast<double>(i) / static_cast<double>(n - 1) - 1;
    return bessel(beta * std::sqrt(1 - at * at)) / bessel(beta);
  });
}

}  // namespace keratin::ops
