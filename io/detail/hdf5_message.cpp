#include "keratin/io/detail/hdf5_message.h"

#include <array>

#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

constexpr std::string_view kType = "datatype";
constexpr unsigned kMaxRank = 32;  // HDF5's own

H5Type parse_integer(H5Cursor& cursor, H5Type type, unsigned bits) {
  type.big_endian = bits & 1;
  type.is_signed = bits & 8;
  const unsigned offset = cursor.u16(), precision = cursor.u16();
  if ((type.size != 1 && type.size != 2 && type.size != 4 && type.size != 8) || offset != 0 ||
      precision != 8 * type.size) {
    cursor.fail("integers of 1, 2, 4 or 8 bytes",
                std::to_string(precision) + " bits in " + std::to_string(type.size) + " bytes");
  }
  return type;
}

// Where a format has its exponent and mantissa.
struct FloatFormat {
  std::uint32_t size;
  bool brain_float;
  unsigned exponent_at, exponent_bits, mantissa_bits;
  std::uint32_t bias;
};

constexpr std::array<FloatFormat, 4> kFloats{{
    {2, false, 10, 5, 10, 15},
    {2, true, 7, 8, 7, 127},
    {4, false, 23, 8, 23, 127},
    {8, false, 52, 11, 52, 1023},
}};

H5Type parse_real(H5Cursor& cursor, H5Type type, unsigned bits) {
  type.kind = H5Type::Kind::real;
  type.big_endian = bits & 1;
  type.is_signed = true;
  const bool implied_one = (bits >> 4 & 3) == 2, vax = bits & 0x40;
  const unsigned sign_at = bits >> 8 & 0xff;
  const unsigned offset = cursor.u16(), precision = cursor.u16();
  const unsigned exponent_at = cursor.u8(), exponent_bits = cursor.u8();
  const unsigned mantissa_at = cursor.u8(), mantissa_bits = cursor.u8();
  const std::uint32_t bias = cursor.u32();
  for (const FloatFormat& format : kFloats) {
    if (type.size == format.size && exponent_at == format.exponent_at && exponent_bits == format.exponent_bits &&
        mantissa_at == 0 && mantissa_bits == format.mantissa_bits && bias == format.bias && implied_one && !vax &&
        offset == 0 && precision == 8 * type.size && sign_at == precision - 1) {
      type.brain_float = format.brain_float;
      return type;
    }
  }
  cursor.fail("float16, bfloat16, float32 or float64",
              "floats of " + std::to_string(type.size) + " bytes in another format");
}

// h5py's bool: an enumeration FALSE = 0, TRUE = 1 over int8.
H5Type parse_enum(H5Cursor& cursor, H5Type type, unsigned bits, int version) {
  const std::string expected = "numbers, strings or bool";
  if ((bits & 0xffff) != 2 || type.size != 1) cursor.fail(expected, "an enumeration");
  const unsigned base = cursor.u8();
  cursor.skip(3);
  if ((base & 15) != 0 || cursor.u32() != 1) cursor.fail(expected, "an enumeration");
  cursor.skip(4);  // bit offset and precision
  for (const std::string_view member : {"FALSE", "TRUE"}) {
    const std::string name = cursor.c_string();
    // Until version 3 names were padded to a multiple of 8 bytes.
    if (version < 3) cursor.skip((8 - (name.size() + 1) % 8) % 8);
    if (name != member) cursor.fail(expected, "an enumeration");
  }
  if (cursor.u8() != 0 || cursor.u8() != 1) cursor.fail(expected, "an enumeration");
  type.kind = H5Type::Kind::boolean;
  return type;
}

H5Type parse_variable(H5Cursor& cursor, H5Type type, unsigned bits) {
  if ((bits & 15) != 1) cursor.fail("numbers, strings or bool", "sequences of variable length");
  if (type.size != 16) cursor.fail("references of 16 bytes to strings", std::to_string(type.size));
  type.kind = H5Type::Kind::variable_string;
  return type;
}

H5Filter parse_filter(H5Cursor& cursor, int version) {
  const unsigned id = cursor.u16();
  const unsigned name_length = version == 1 || id >= 256 ? cursor.u16() : 0;
  cursor.skip(2);  // flags: optional or not
  const unsigned values = cursor.u16();
  const H5Span name_bytes = cursor.take(version == 1 ? (name_length + 7) / 8 * 8 : name_length);
  H5Filter filter{static_cast<H5Filter::Kind>(id)};
  for (unsigned i = 0; i < values; ++i) {
    const std::uint32_t value = cursor.u32();
    if (i == 0 && filter.kind == H5Filter::Kind::shuffle) filter.element_size = value;
  }
  if (version == 1 && values % 2 == 1) cursor.skip(4);
  if (id < 1 || id > 3) {
    const std::string name(reinterpret_cast<const char*>(name_bytes.data()), name_bytes.size());
    cursor.fail("the filters deflate (gzip), shuffle or fletcher32",
                "filter " + std::to_string(id) + (name.empty() ? "" : " (" + printable(name.c_str()) + ")") +
                    "; save the file without it");
  }
  return filter;
}

void parse_chunked(H5Cursor& cursor, H5Layout& layout, int version) {
  constexpr unsigned kFiltered = 2;
  const unsigned flags = version >= 4 ? cursor.u8() : 0;
  const unsigned rank = cursor.u8();
  if (rank < 2 || rank > kMaxRank + 1) cursor.fail("1 to 32 chunk dimensions", std::to_string(rank) + " less 1");
  layout.kind = H5Layout::Kind::chunk_tree;
  if (version == 3) layout.address = cursor.u64();
  const std::size_t width = version >= 4 ? cursor.u8() : 4;
  if (width < 1 || width > 8) cursor.fail("chunk sizes of 1 to 8 bytes", std::to_string(width));
  for (unsigned i = 0; i < rank; ++i) {
    const std::uint64_t size = cursor.number(width);
    if (size == 0 || size > UINT32_MAX) cursor.fail("a chunk size between 1 and 2^32", std::to_string(size));
    layout.chunk.push_back(static_cast<std::uint32_t>(size));
  }
  if (version == 3) return;
  if (const int index = cursor.u8(); index != 1) {
    static constexpr std::array<std::string_view, 6> kNames{"unknown",     "single chunk",     "implicit",
                                                            "fixed array", "extensible array", "B-tree version 2"};
    cursor.fail("a plain or a chunked dataset as h5py writes it by default",
                "the chunk index '" + std::string(kNames[index < 6 ? static_cast<std::size_t>(index) : 0]) +
                    "'; save the file with libver='earliest' or without chunks");
  }
  layout.kind = H5Layout::Kind::one_chunk;
  if (flags & kFiltered) {
    layout.length = cursor.u64();
    layout.filter_mask = cursor.u32();
  }
  layout.address = cursor.u64();
}

}  // namespace

DType H5Type::dtype() const {
  switch (kind) {
    case Kind::real: return size == 8 ? DType::float64 : DType::float32;
    case Kind::boolean: return DType::boolean;
    default: break;
  }
  if (size == 1 && !is_signed) return DType::uint8;
  return size < 4 || (size == 4 && is_signed) ? DType::int32 : DType::int64;
}

H5Type parse_type(H5Span message) {
  H5Cursor cursor(message, kType);
  const unsigned head = cursor.u8();
  const auto bits = static_cast<unsigned>(cursor.number(3));
  const int version = static_cast<int>(head >> 4);
  if (version < 1 || version > 5) cursor.fail("version 1 to 5", std::to_string(version));
  H5Type type;
  type.size = cursor.u32();
  if (type.size == 0) cursor.fail("elements of at least one byte", "0");
  static constexpr std::array<std::string_view, 12> kNames{
      "integers",   "floats",       "times",     "strings", "bit fields",     "opaque bytes", "compounds (records)",
      "references", "enumerations", "sequences", "arrays",  "complex numbers"};
  switch (head & 15) {
    case 0: return parse_integer(cursor, type, bits);
    case 1: return parse_real(cursor, type, bits);
    case 3:
      type.kind = H5Type::Kind::fixed_string;
      type.padding = bits & 15;
      return type;
    case 8: return parse_enum(cursor, type, bits, version);
    case 9: return parse_variable(cursor, type, bits);
    default: break;
  }
  const unsigned kind = head & 15;
  cursor.fail("numbers, strings or bool", kind < 12 ? std::string(kNames[kind]) : "an unknown type");
}

H5Type parse_bfloat16(H5Span message) {
  H5Cursor cursor(message, kType);
  constexpr unsigned kOpaque = 5;
  if ((cursor.u8() & 15) != kOpaque) return parse_type(message);
  cursor.skip(3);
  H5Type type{.kind = H5Type::Kind::real, .size = cursor.u32(), .is_signed = true, .brain_float = true};
  if (type.size != 2) cursor.fail("bfloat16 numbers of 2 bytes", std::to_string(type.size) + " bytes");
  return type;
}

H5Space parse_space(H5Span message) {
  H5Cursor cursor(message, "dataspace");
  const int version = cursor.version(1, 2);
  const unsigned rank = cursor.u8();
  cursor.skip(1);  // flags: maximal sizes follow
  H5Space space;
  if (version == 1) {
    cursor.skip(5);
  } else {
    const unsigned kind = cursor.u8();
    if (kind > 2 || (kind != 1 && rank != 0)) cursor.fail("a scalar, an array or nothing", std::to_string(kind));
    space.is_null = kind == 2;
  }
  if (rank > kMaxRank) cursor.fail("at most 32 axes", std::to_string(rank));
  bool empty = space.is_null, overflow = false;
  for (unsigned axis = 0; axis < rank; ++axis) {
    const std::uint64_t size = cursor.u64();
    if (size > static_cast<std::uint64_t>(INT64_MAX)) cursor.fail("a size below 2^63", std::to_string(size));
    space.shape.push_back(static_cast<std::int64_t>(size));
    if (size == 0) empty = true;
    overflow |= __builtin_mul_overflow(space.count, size, &space.count);
    // An empty axis must not hide the others: Shape::size() multiplies in order, too.
    overflow |= space.count > static_cast<std::uint64_t>(INT64_MAX);
  }
  if (overflow) cursor.fail("a number of elements below 2^63", "shape " + space.shape.to_string());
  if (empty) space.count = 0;
  return space;
}

std::vector<H5Filter> parse_filters(H5Span message) {
  H5Cursor cursor(message, "filters");
  const int version = cursor.version(1, 2);
  const unsigned count = cursor.u8();
  if (count > 8) cursor.fail("at most 8 filters", std::to_string(count));
  if (version == 1) cursor.skip(6);
  std::vector<H5Filter> filters;
  for (unsigned i = 0; i < count; ++i) filters.push_back(parse_filter(cursor, version));
  return filters;
}

H5Layout parse_layout(H5Span message) {
  H5Cursor cursor(message, "data layout");
  const int version = cursor.version(3, 5);
  const int kind = cursor.u8();
  H5Layout layout;
  if (kind == 0) {
    layout.kind = H5Layout::Kind::compact;
    layout.length = cursor.u16();
    const H5Span data = cursor.take(layout.length);
    layout.compact.assign(data.begin(), data.end());
  } else if (kind == 1) {
    layout.address = cursor.u64();
    layout.length = cursor.u64();
  } else if (kind == 2) {
    parse_chunked(cursor, layout, version);
  } else {
    cursor.fail("data stored in the file itself", kind == 3 ? "a virtual dataset (its data lies in other files)"
                                                            : "storage kind " + std::to_string(kind));
  }
  return layout;
}

}  // namespace keratin::detail
