#include "keratin/io/idx.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/atomic_file.h"
#include "keratin/io/detail/byte_source.h"
#include "keratin/io/detail/deflate.h"

namespace keratin {
namespace {

using detail::ByteSource;

constexpr std::size_t kChunk = std::size_t{1} << 20;

struct ElementType {
  std::uint8_t code;
  std::string_view name;
  std::int64_t bytes;
  DType dtype;  // what it is read as
};
constexpr std::array<ElementType, 6> kTypes = {{{0x08, "uint8", 1, DType::uint8},
                                                {0x09, "int8", 1, DType::int32},
                                                {0x0B, "int16", 2, DType::int32},
                                                {0x0C, "int32", 4, DType::int32},
                                                {0x0D, "float32", 4, DType::float32},
                                                {0x0E, "float64", 8, DType::float64}}};

struct Header {
  ElementType type;
  Shape shape;
  std::int64_t bytes = 0;          // of the header itself
  std::int64_t content_bytes = 0;  // behind the header
};

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw FileError("cannot read '" + path + "' as IDX: " + what);
}

// "3c 21 44 4f ('<!DO')": often enough the file is a web page that says what went wrong.
std::string first_bytes(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex, text;
  for (const std::byte value : bytes) {
    const auto number = std::to_integer<unsigned>(value);
    hex += hex.empty() ? "" : " ";
    hex += kDigits[number >> 4];
    hex += kDigits[number & 15];
    text += number >= 0x20 && number < 0x7f ? static_cast<char>(number) : '.';
  }
  return hex + " ('" + text + "')";
}

template <class T>
T big_endian(const std::byte* from) {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), from, sizeof(T));
  if constexpr (std::endian::native == std::endian::little) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

Header read_header(ByteSource& source, const std::string& path, const IdxOptions& options) {
  std::array<std::byte, 4> magic{};
  const std::size_t got = source.read(magic);
  const auto code = std::to_integer<std::uint8_t>(magic[2]);
  const auto* type = std::find_if(kTypes.begin(), kTypes.end(),
                                  [code](const ElementType& candidate) { return candidate.code == code; });
  if (got < 4 || magic[0] != std::byte{0} || magic[1] != std::byte{0} || type == kTypes.end()) {
    fail(path, "expected 00 00, a type of 08, 09, 0b, 0c, 0d or 0e, and the number of axes; found " +
                   (got == 0 ? std::string("an empty file") : first_bytes(std::span(magic).first(got))) +
                   ". Is it another kind of file, or a failed download?");
  }
  const auto rank = std::to_integer<std::size_t>(magic[3]);
  if (rank == 0) fail(path, "expected at least one axis, the header says 0.");

  Header header{.type = *type, .shape = {}, .bytes = static_cast<std::int64_t>(4 + 4 * rank)};
  std::vector<std::byte> sizes(4 * rank);
  if (source.read(sizes) < sizes.size()) {
    fail(path, "the header stops in the middle (" + std::to_string(rank) + " axes announced); the file is truncated.");
  }
  // The product without overflow: (4294967295, 4294967295, 4294967295) is only a few bytes in a file. Axes of size 0
  // are left out of it, so that the shape of an empty array is as harmless as any other.
  const auto element_bytes = std::max(type->bytes, static_cast<std::int64_t>(size_of(type->dtype)));
  const std::int64_t limit = options.max_bytes / element_bytes;
  bool empty = false;
  std::int64_t count = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::int64_t size = big_endian<std::uint32_t>(sizes.data() + 4 * axis);
    header.shape.push_back(size);
    empty = empty || size == 0;
    count = size > limit / count ? limit + 1 : count * std::max<std::int64_t>(size, 1);
    if (count > limit) break;
  }
  if (count > limit) {
    fail(path, "the header claims " + std::string(type->name) + " with " + std::to_string(rank) + " axes, the first " +
                   header.shape.to_string() + ", more than the limit of " + std::to_string(options.max_bytes) +
                   " bytes. If the file is right, raise IdxOptions::max_bytes.");
  }
  header.content_bytes = empty ? 0 : count * type->bytes;
  return header;
}

[[noreturn]] void fail_length(const std::string& path, const Header& header, const std::string& found) {
  fail(path, "the header claims " + std::string(header.type.name) + " " + header.shape.to_string() + ", " +
                 std::to_string(header.bytes + header.content_bytes) + " bytes with the header; " + found +
                 ". The file is damaged, get it again.");
}

void check_claim(ByteSource& source, const std::string& path, const Header& header) {
  if (header.bytes + header.content_bytes <= source.max_content_bytes()) return;
  fail_length(path, header,
              "the file has " + std::to_string(source.file_bytes()) +
                  (source.is_gzip() ? " bytes of gzip, which cannot hold that" : ""));
}

// The next bytes of the content, `done` of which are read.
void read_on(ByteSource& source, const std::string& path, const Header& header, std::size_t done,
             std::span<std::byte> to) {
  const std::size_t got = source.read(to);
  if (got < to.size()) {
    fail_length(path, header, "it ends after " + std::to_string(header.bytes) + " + " + std::to_string(done + got));
  }
}

void check_end(ByteSource& source, const std::string& path, const Header& header) {
  std::byte extra{};
  if (source.read({&extra, 1}) > 0) fail_length(path, header, "there is more behind them");
}

// Everything behind the header. The buffer grows with what arrives, so a lying header costs its author, not us.
std::vector<std::byte> read_content(ByteSource& source, const std::string& path, const Header& header) {
  const auto wanted = static_cast<std::size_t>(header.content_bytes);
  std::vector<std::byte> content;
  for (std::size_t done = 0; done < wanted;) {
    const std::size_t step = std::min(wanted - done, std::max(done, kChunk));
    content.reserve(done + step);
    content.resize(done + step);
    read_on(source, path, header, done, std::span(content).subspan(done, step));
    done += step;
  }
  check_end(source, path, header);
  return content;
}

// Whether a file of this size may well hold what its header claims, as pictures packed by gzip do.
bool is_likely(const ByteSource& source, const Header& header) {
  constexpr std::int64_t kUsualPacking = 32;
  return header.content_bytes <= source.file_bytes() * kUsualPacking;
}

// Bytes need no second copy.
Tensor read_bytes(ByteSource& source, const std::string& path, const Header& header) {
  Tensor result(header.shape, DType::uint8);
  read_on(source, path, header, 0, std::as_writable_bytes(result.values<std::uint8_t>()));
  check_end(source, path, header);
  return result;
}

template <class Stored, class T>
Tensor convert(const Shape& shape, std::span<const std::byte> content) {
  Tensor result(shape, dtype_of<T>);
  const std::span<T> values = result.values<T>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<T>(big_endian<Stored>(content.data() + i * sizeof(Stored)));
  }
  return result;
}

template <class T>
void append_big_endian(std::vector<std::byte>& to, T value) {
  auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  if constexpr (std::endian::native == std::endian::little) std::reverse(bytes.begin(), bytes.end());
  to.insert(to.end(), bytes.begin(), bytes.end());
}

std::vector<std::byte> encode(const Tensor& tensor, std::uint8_t code) {
  std::vector<std::byte> bytes{std::byte{0}, std::byte{0}, std::byte{code}, static_cast<std::byte>(tensor.rank())};
  bytes.reserve(4 + 4 * static_cast<std::size_t>(tensor.rank()) + tensor.bytes());
  for (const std::int64_t size : tensor.shape()) append_big_endian(bytes, static_cast<std::uint32_t>(size));
  visit_dtype(tensor.dtype(), [&]<class T>() {
    for (const T value : tensor.values<T>()) append_big_endian(bytes, value);
  });
  return bytes;
}

}  // namespace

Tensor read_idx(const std::string& path, const IdxOptions& options) {
  ByteSource source(path);
  const Header header = read_header(source, path, options);
  check_claim(source, path, header);
  if (header.type.dtype == DType::uint8 && is_likely(source, header)) return read_bytes(source, path, header);
  const std::vector<std::byte> content = read_content(source, path, header);
  switch (header.type.code) {
    case 0x09: return convert<std::int8_t, std::int32_t>(header.shape, content);
    case 0x0B: return convert<std::int16_t, std::int32_t>(header.shape, content);
    case 0x0C: return convert<std::int32_t, std::int32_t>(header.shape, content);
    case 0x0D: return convert<float, float>(header.shape, content);
    case 0x0E: return convert<double, double>(header.shape, content);
    default: return convert<std::uint8_t, std::uint8_t>(header.shape, content);
  }
}

void write_idx(const std::string& path, const Tensor& tensor) {
  const auto* type = std::find_if(kTypes.begin(), kTypes.end(), [&](const ElementType& candidate) {
    return candidate.name == name_of(tensor.dtype());
  });
  if (!tensor.defined() || type == kTypes.end()) {
    throw InvalidArgument("write_idx: expected a uint8, int32, float32 or float64 tensor, got " +
                          (tensor.defined() ? std::string(name_of(tensor.dtype())) : "an undefined one") +
                          "; convert it with astype.");
  }
  if (tensor.rank() < 1 || tensor.rank() > 255) {
    throw InvalidArgument("write_idx: expected a rank of 1 to 255, got shape " + tensor.shape().to_string() + ".");
  }
  for (const std::int64_t size : tensor.shape()) {
    if (size > std::numeric_limits<std::uint32_t>::max()) {
      throw InvalidArgument("write_idx: expected sizes below 2^32, got shape " + tensor.shape().to_string() + ".");
    }
  }
  std::vector<std::byte> bytes = encode(tensor, type->code);
  detail::AtomicFile file(path);
  file.write(std::string_view(path).ends_with(".gz") ? detail::gzip(bytes) : bytes);
  file.commit();
}

}  // namespace keratin
