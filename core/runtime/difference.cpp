#include "keratin/core/runtime/detail/difference.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <type_traits>

namespace keratin {
namespace {

// Below it numbers of a backend that flushes denormals are 0.
constexpr double kSmallest = 4 * static_cast<double>(std::numeric_limits<float>::min());

template <class T>
std::string text_of(T value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}

std::string position_of(const Shape& shape, std::int64_t index) {
  std::string result;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    result = std::to_string(index % shape[axis]) + (result.empty() ? "" : ", ") + result;
    index /= shape[axis];
  }
  return "(" + result + ")";
}

template <class T>
double largest_magnitude(const T* values, std::int64_t size) {
  double largest = 0;
  for (std::int64_t i = 0; i < size; ++i) {
    const double magnitude = std::abs(static_cast<double>(values[i]));
    if (std::isfinite(magnitude) && magnitude > largest) largest = magnitude;
  }
  return largest;
}

template <class T>
std::optional<Difference> compare(const Tensor& got, const Tensor& expected, double relative,
                                  std::span<const double> slack) {
  const auto* a = static_cast<const T*>(got.raw());
  const auto* b = static_cast<const T*>(expected.raw());
  const std::int64_t size = expected.size();
  Difference result;
  std::int64_t worst = -1;
  double worst_ratio = 0, base = 0;
  if constexpr (std::is_floating_point_v<T>) base = relative * largest_magnitude(b, size) + kSmallest;
  for (std::int64_t i = 0; i < size; ++i) {
    if (a[i] == b[i]) continue;
    double distance = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])), allowed = 0;
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(a[i]) && std::isnan(b[i])) continue;
      allowed = base + (slack.empty() ? 0 : slack[static_cast<std::size_t>(i)]);
      if (!std::isfinite(distance)) distance = std::numeric_limits<double>::infinity();
      if (distance <= allowed) continue;
    }
    ++result.elements;
    const double ratio = allowed > 0 ? distance / allowed : distance;
    if (worst >= 0 && !(ratio > worst_ratio)) continue;
    worst = i;
    worst_ratio = ratio;
    result.distance = distance;
    result.allowed = allowed;
  }
  if (worst < 0) return std::nullopt;
  result.position = position_of(expected.shape(), worst);
  result.value = text_of(a[worst]);
  result.expected = text_of(b[worst]);
  return result;
}

}  // namespace

double relative_tolerance(DType dtype, Precision precision) {
  if (dtype == DType::float64) return 1e-11;
  if (dtype != DType::float32) return 0;
  // float32 has 24 bits, TF32 and split bfloat16 at least 11, bfloat16 8: room for sums of many rounded products.
  return precision == Precision::highest ? 1e-5 : precision == Precision::high ? 4e-3 : 3e-2;
}

std::optional<Difference> difference(const Tensor& got, const Tensor& expected, double relative,
                                     std::span<const double> slack) {
  return visit_dtype(expected.dtype(), [&]<class T>() {
    // A device may have written anything into a bool's byte.
    using Element = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;
    return compare<Element>(got, expected, relative, slack);
  });
}

}  // namespace keratin
