#include "keratin/io/detail/hdf5_convert.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

// Element `i` of `raw`, in the host's byte order.
template <class T>
T element(H5Span raw, std::size_t i, bool big_endian) {
  std::byte bytes[sizeof(T)];
  std::memcpy(bytes, raw.data() + i * sizeof(T), sizeof(T));
  if (big_endian) std::reverse(bytes, bytes + sizeof(T));
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

float from_bfloat16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

float from_float16(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits} >> 15 << 31;
  const std::uint32_t exponent = bits >> 10 & 31u, mantissa = bits & 1023u;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13);
  if (exponent > 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float subnormal = static_cast<float>(mantissa) * 0x1p-24f;
  return sign ? -subnormal : subnormal;
}

template <class From, class To, class Map>
void map_elements(const H5Type& type, H5Span raw, Tensor& to, Map map) {
  const std::span<To> values = to.values<To>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = map(element<From>(raw, i, type.big_endian));
}

template <class From, class To>
void cast_elements(const H5Type& type, H5Span raw, Tensor& to) {
  map_elements<From, To>(type, raw, to, [](From value) { return static_cast<To>(value); });
}

void convert_real(const H5Type& type, H5Span raw, Tensor& to) {
  switch (type.size) {
    case 2: return map_elements<std::uint16_t, float>(type, raw, to, type.brain_float ? from_bfloat16 : from_float16);
    case 4: return cast_elements<float, float>(type, raw, to);
    default: return cast_elements<double, double>(type, raw, to);
  }
}

void convert_integer(const H5Type& type, H5Span raw, Tensor& to) {
  if (type.is_signed) {
    switch (type.size) {
      case 1: return cast_elements<std::int8_t, std::int32_t>(type, raw, to);
      case 2: return cast_elements<std::int16_t, std::int32_t>(type, raw, to);
      case 4: return cast_elements<std::int32_t, std::int32_t>(type, raw, to);
      default: return cast_elements<std::int64_t, std::int64_t>(type, raw, to);
    }
  }
  switch (type.size) {
    case 1: return cast_elements<std::uint8_t, std::uint8_t>(type, raw, to);
    case 2: return cast_elements<std::uint16_t, std::int32_t>(type, raw, to);
    case 4: return cast_elements<std::uint32_t, std::int64_t>(type, raw, to);
    default: break;
  }
  map_elements<std::uint64_t, std::int64_t>(type, raw, to, [](std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(INT64_MAX)) {
      throw FileError("expected numbers that fit int64, found " + std::to_string(value));
    }
    return static_cast<std::int64_t>(value);
  });
}

}  // namespace

bool is_native(const H5Type& type) {
  // Not bool: any byte but 0 and 1 would be undefined behaviour.
  if (type.is_string() || type.kind == H5Type::Kind::boolean || type.size != size_of(type.dtype())) return false;
  const bool wraps = type.kind == H5Type::Kind::integer && !type.is_signed && type.size > 1;
  return !wraps && (!type.big_endian || type.size == 1);
}

Tensor convert(const H5Type& type, const Shape& shape, H5Span raw) {
  Tensor result(shape, type.dtype());
  if (raw.size() / type.size < static_cast<std::size_t>(result.size())) {
    throw FileError("expected " + std::to_string(result.size()) + " elements of " + std::to_string(type.size) +
                    " bytes, found " + std::to_string(raw.size()) + " bytes");
  }
  if (is_native(type)) {
    if (result.bytes() > 0) std::memcpy(result.raw(), raw.data(), result.bytes());
  } else if (type.kind == H5Type::Kind::boolean) {
    map_elements<std::uint8_t, bool>(type, raw, result, [](std::uint8_t value) { return value != 0; });
  } else if (type.kind == H5Type::Kind::real) {
    convert_real(type, raw, result);
  } else {
    convert_integer(type, raw, result);
  }
  return result;
}

std::string fixed_string(const H5Type& type, H5Span raw) {
  std::string text(reinterpret_cast<const char*>(raw.data()), raw.size());
  constexpr std::uint8_t kFilledWithSpaces = 2;
  if (type.padding == kFilledWithSpaces) {
    text.erase(text.find_last_not_of(' ') + 1);
  } else {
    text.resize(std::min(text.size(), text.find('\0')));
  }
  return text;
}

}  // namespace keratin::detail
