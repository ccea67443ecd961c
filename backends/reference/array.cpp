#include "keratin/backends/reference/array.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace keratin::reference {

i64 truncate(double value) {
  constexpr double kEnd = 9223372036854775808.0;  // 2^63
  if (std::isnan(value)) return 0;
  if (value >= kEnd) return std::numeric_limits<i64>::max();
  if (value < -kEnd) return std::numeric_limits<i64>::min();
  return static_cast<i64>(value);
}

i64 Array::load_integer(i64 i) const {
  if (floating()) return truncate(load(i));
  return visit_dtype(dtype, [&]<class T>() { return static_cast<i64>(reinterpret_cast<const T*>(data)[i]); });
}

void Array::store(i64 i, double value) const {
  switch (dtype) {
    case DType::float32: reinterpret_cast<float*>(data)[i] = static_cast<float>(value); return;
    case DType::float64: reinterpret_cast<double*>(data)[i] = value; return;
    case DType::boolean: reinterpret_cast<bool*>(data)[i] = value != 0; return;
    default: store_integer(i, truncate(value));
  }
}

void Array::store_integer(i64 i, i64 value) const {
  visit_dtype(dtype, [&]<class T>() { reinterpret_cast<T*>(data)[i] = static_cast<T>(value); });
}

std::vector<double> Array::load_all() const {
  std::vector<double> values(static_cast<std::size_t>(size()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = load(static_cast<i64>(i));
  return values;
}

void Array::store_all(const std::vector<double>& values) const {
  for (std::size_t i = 0; i < values.size(); ++i) store(static_cast<i64>(i), values[i]);
}

void copy_element(const Array& from, i64 i, const Array& to, i64 j) {
  const auto bytes = static_cast<i64>(size_of(from.dtype));
  std::memcpy(to.data + j * bytes, from.data + i * bytes, static_cast<std::size_t>(bytes));
}

void copy_all(const Array& from, const Array& to) {
  const auto bytes = static_cast<std::size_t>(from.size()) * size_of(from.dtype);
  if (bytes > 0) std::memmove(to.data, from.data, bytes);
}

}  // namespace keratin::reference
